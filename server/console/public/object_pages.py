"""The pages ``/object``, where anybody objects to an entry, and ``/object/answer``, where the objection is followed.

What is objected to, and the token, are in the bodies of forms alone: no address has them, so neither has a log, a
history or a referrer.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import msgspec
from flask import Response

from schemas import kinds, timestamp
from schemas.api.objection import LONGEST_CONTACT, Ground, ObjectionRequest
from server.console.public.asked_value import WHOSE_NUMBER, asked_value, lacks_bank
from server.console.public.front_page import facts_of, link_of
from server.console.visit import Visit
from server.console.words import Translatable, mark
from server.store.database.times import micros
from server.taxii.errors import TaxiiError

_LONGEST_TOKEN = 100

GROUNDS: Mapping[Ground, Translatable] = MappingProxyType(
    {
        Ground.NOT_INVOLVED: mark("It is mine, and I have nothing to do with any scam"),
        Ground.OWN_BUSINESS: mark("It belongs to my business, and the business is honest"),
        Ground.NUMBER_REASSIGNED: mark(
            "I have had this number or account for a short time; it was somebody else’s before"
        ),
        Ground.IMPERSONATED: mark("Somebody pretends to be me or my organisation"),
        Ground.HACKED: mark("It was broken into; it is safe again now"),
        Ground.OTHER_VALUE: mark("It is another one, which only looks alike"),
        Ground.PAID_BACK: mark("The money was paid back"),
        Ground.OTHER: mark("Another reason"),
    }
)

_NO_VALUE = mark("Write what the entry is about: one web address, number, account or wallet. Choose a reason, too.")
_REFUSED = mark("This cannot be taken as it is. Nothing was sent.")
_TOO_MANY = mark("Too many objections or questions come from your network just now. Please try again later.")
_UNKNOWN = mark("There is no objection of this code. Look at each letter: capital and small letters differ.")


def show(visit: Visit) -> Response:
    """Show the form, with what was checked already in it; or take the objection, and show its code this once."""
    desk = visit.site.objections
    if not desk.is_taken or visit.request.method != "POST" or visit.field("step") == "fill":
        return visit.page("public/object.html", **_values(visit))
    try:
        asked = _asked(visit)
    except msgspec.ValidationError:
        return visit.page("public/object.html", 400, **_values(visit, _NO_VALUE))
    try:
        receipt = desk.file(visit.remote, lambda: asked)
    except TaxiiError as error:
        problem, rule = (_TOO_MANY, "") if error.status == 429 else (_REFUSED, error.description)
        if error.status != 429 and lacks_bank(visit):
            problem, rule = WHOSE_NUMBER, ""
        return visit.page("public/object.html", error.status, error.headers, **_values(visit, problem, rule))
    due = micros(timestamp.parse(receipt.due)) - 1
    return visit.page("public/objected.html", code=receipt.token, due=due, has_contact=asked.contact is not None)


def show_answer(visit: Visit) -> Response:
    """Show the form for the code, and how far the objection of it has come."""
    if visit.request.method != "POST":
        return visit.page("public/object_answer.html", problem=None, found=None)
    token = "".join(visit.field("code", _LONGEST_TOKEN).split())
    try:
        found = visit.site.objections.follow(visit.remote, token)
    except TaxiiError as error:
        problem = _TOO_MANY if error.status == 429 else _UNKNOWN
        return visit.page("public/object_answer.html", error.status, error.headers, problem=problem, found=None)
    due = micros(timestamp.parse(found.due)) - 1
    text = found.text.get(visit.language.code, "")
    return visit.page("public/object_answer.html", problem=None, found=found, due=due, text=text)


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
        "kinds": [*kinds.every()],
        "grounds": GROUNDS,
        "given": {name: visit.field(name) for name in ("value", "kind", "bank", "country", "ground", "contact")},
        "country": visit.site.settings.country,
        "needs_bank": problem is WHOSE_NUMBER,
        "problem": problem,
        "rule": rule,
        "contact_link": link_of(visit.site.settings.contact),
        "contacts": [] if desk.is_taken else facts_of(visit).contacts,
    }
