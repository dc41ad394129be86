"""The pages ``/object``, where anybody can object to an entry, and ``/object/answer``, which shows the state.

The value and the token are only in the bodies of forms. No address has them, so no log, history or referrer
has them.
"""

import base64
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import msgspec
from flask import Response

from schemas import kinds, timestamp
from schemas.api.statements import LONGEST_CONTACT, Ground, ObjectionReceipt, ObjectionRequest
from schemas.errors import Rejected
from server.features.lookups.asked_value import WHOSE_NUMBER, asked_value, lacks_bank
from server.features.objections import codes
from server.features.objections.api import LONGEST_TOKEN
from server.features.overview.pages import facts_of
from server.operations.rights import ANYBODY
from server.store.database.times import micros
from server.web.shell import qr_codes
from server.web.shell.banks import BANK_FIELDS
from server.web.shell.forms import when_again
from server.web.shell.hub_texts import refusal_text
from server.web.shell.routes import BOTH, Route
from server.web.shell.visit import PageRefused, Visit
from server.web.shell.words import Translatable, mark
from server.web.taxii.errors import TaxiiError

GROUNDS: Mapping[Ground, Translatable] = MappingProxyType(
    {
        Ground.NOT_INVOLVED: mark("It is mine, and I have nothing to do with a scam"),
        Ground.OWN_BUSINESS: mark("It belongs to my business, which is honest"),
        Ground.NUMBER_REASSIGNED: mark("I got this number or account recently; it belonged to someone else before"),
        Ground.IMPERSONATED: mark("Someone pretends to be me or my organisation"),
        Ground.HACKED: mark("It was hacked, and is safe again"),
        Ground.OTHER_VALUE: mark("The right one only looks similar"),
        Ground.PAID_BACK: mark("The money was paid back"),
        Ground.OTHER: mark("Another reason"),
    }
)

_NO_VALUE = mark("Write one number, account or address, and choose a reason.")
_REFUSED = mark("This objection cannot be sent yet:")
_TOO_MANY = mark("Too many objections or questions came from your network.")
_SHOWN = mark(
    "The code of your objection is shown only once. Your objection is stored. If you did not write the code down, send "
    "the objection again: you get another code."
)
# The cookie with the code, from the form to the page that shows it.
_RECEIPT = "objection"
_UNKNOWN = mark("There is no objection with this code. Compare each group of letters and digits.")
_MISTYPED = mark(
    "This is not the code of an objection: a letter or digit is wrong, missing or extra. Compare each group."
)


def show(visit: Visit) -> Response:
    """Show the form, with the checked value in it; or store the objection, and show its code once."""
    desk = visit.site.objections
    if not desk.is_taken or visit.request.method != "POST" or visit.field("step") == "fill":
        return visit.page("public/object.html", **_values(visit))
    try:
        asked = _asked(visit)
    except msgspec.ValidationError:
        return visit.page("public/object.html", 400, **_values(visit, _NO_VALUE))
    try:
        receipt = desk.file(visit.remote, lambda: asked, visit.form_key)
    except TaxiiError as error:
        problem, rule = (
            (_TOO_MANY, when_again(visit, error))
            if error.status == 429
            else (_REFUSED, refusal_text(visit.language, error.reason, error.description))
        )
        if error.status != 429 and lacks_bank(visit):
            problem, rule = WHOSE_NUMBER, ""
        return visit.page("public/object.html", error.status, error.headers, **_values(visit, problem, rule))
    if not visit.form_key or not (visit.is_secure or visit.is_loopback):
        # The browser would not keep the code.
        return _receipt_page(visit, receipt, has_contact=asked.contact is not None)
    kept = msgspec.json.encode((receipt.token, receipt.due, receipt.due_on, asked.contact is not None))
    visit.keep_cookie(_RECEIPT, base64.urlsafe_b64encode(kept).decode())
    return visit.go("/object/sent")


def show_sent(visit: Visit) -> Response:
    """Show once the code of the objection that this browser sent. Raises ``PageRefused``."""
    try:
        kept = base64.urlsafe_b64decode(visit.cookie(_RECEIPT))
        token, due, day, has_contact = msgspec.json.decode(kept, type=tuple[str, str, str, bool])
        receipt = ObjectionReceipt(token, due, day)
        codes.read_code(token)
        timestamp.parse(due)
    except (ValueError, msgspec.MsgspecError, Rejected):
        raise PageRefused(410, _SHOWN) from None
    visit.keep_cookie(_RECEIPT, "")
    return _receipt_page(visit, receipt, has_contact=has_contact)


def _receipt_page(visit: Visit, receipt: ObjectionReceipt, *, has_contact: bool) -> Response:
    due, picture = micros(timestamp.parse(receipt.due)) - 1, qr_codes.svg(receipt.token)
    return visit.page("public/objected.html", code=receipt.token, picture=picture, due=due, has_contact=has_contact)


def show_answer(visit: Visit) -> Response:
    """Show the form for the code, and the state of its objection."""
    if visit.request.method != "POST":
        return visit.page("public/object_answer.html", problem=None, rule="", found=None)
    token = "".join(visit.field("code", LONGEST_TOKEN).split())
    try:
        found = visit.site.objections.follow(visit.remote, token)
    except TaxiiError as error:
        problem = _TOO_MANY if error.status == 429 else _UNKNOWN if _is_code(token) else _MISTYPED
        rule = when_again(visit, error) if error.status == 429 else ""
        return visit.page(
            "public/object_answer.html", error.status, error.headers, problem=problem, rule=rule, found=None
        )
    due = micros(timestamp.parse(found.due)) - 1
    text = found.text.get(visit.language.code, "")
    return visit.page("public/object_answer.html", problem=None, rule="", found=found, due=due, text=text)


def _is_code(token: str) -> bool:
    try:
        codes.read_code(token)
    except Rejected:
        return False
    return True


def _asked(visit: Visit) -> ObjectionRequest:
    """Return the objection in the form. Raises ``msgspec.ValidationError``."""
    asked = asked_value(visit)
    given = {
        "value": asked.value,
        "ground": visit.field("ground", 100),
        "kind": asked.kind,
        "details": asked.details,
        "contact": (visit.field("contact") or None) if visit.site.objections.takes_contacts else None,
    }
    return msgspec.convert(given, ObjectionRequest)


def _values(visit: Visit, problem: Translatable | None = None, rule: str = "") -> dict[str, Any]:
    desk = visit.site.objections
    return {
        "is_taken": desk.is_taken,
        "takes_contacts": desk.takes_contacts,
        "longest_contact": LONGEST_CONTACT,
        "days": visit.site.settings.objection_days,
        "due": micros(desk.due(timestamp.now())) if desk.is_taken else None,
        "kinds": [*kinds.every()],
        "grounds": GROUNDS,
        "given": {name: visit.field(name) for name in ("value", "kind", *BANK_FIELDS, "ground", "contact")},
        "needs_bank": problem is WHOSE_NUMBER,
        "problem": problem,
        "rule": rule,
        "contacts": [] if desk.is_taken else facts_of(visit).contacts,
    }


ROUTES = (
    Route("/object", ANYBODY, show, methods=BOTH, changes=False),
    Route("/object/sent", ANYBODY, show_sent),
    Route("/object/answer", ANYBODY, show_answer, methods=BOTH, changes=False),
)
