"""The pages of clearance statements: for operators, and for a person whose objection ended a public listing."""

from typing import Any

import orjson
from flask import Response

from schemas import kinds
from schemas.errors import Rejected
from schemas.tlog.signatures import BadSigningKey
from server import signing_keys
from server.features.clearance.document import pdf_of
from server.features.clearance.operations import IssueClearance, IssueClearanceOfObjection
from server.features.clearance.statement import NotCleared
from server.features.lookups.asked_value import asked_value
from server.features.notices.pages import NO_KEYS
from server.features.notices.statement import SeveralValues, value_of
from server.features.objections.api import LONGEST_TOKEN
from server.operations.rights import ANYBODY
from server.operations.run import run
from server.web.shell.banks import BANK_FIELDS
from server.web.shell.routes import BOTH, FORM, MEMBERS, Route, Tab, may_run
from server.web.shell.typesetting import makes_pdfs
from server.web.shell.visit import Visit
from server.web.shell.words import Translatable, mark
from server.web.taxii.errors import TaxiiError

_NOT_A_VALUE = mark(
    "This is not a valid value, or it may mean several. Choose its kind; for a bank account, include the bank."
)
_NOT_CLEARED = mark("There is nothing to state: the value is listed, or was never delisted.")
_NO_STATEMENT = mark(
    "There is no statement for this code and value. Compare both. "
    "For a value that was not in the public list, ask the hub."
)
_TOO_MANY = mark("Too many objections or questions came from your network. Please try again later.")


def show(visit: Visit, problem: Translatable | str = "") -> Response:
    """Show the form of a clearance for operators."""
    every = sorted(kinds.every())
    status = 422 if problem else 200
    return visit.page("operator/clearance.html", status, kinds=every, has_pdf=makes_pdfs(), problem=problem)


def send(visit: Visit) -> Response:
    """Issue the clearance that the form asks for, and send it as a file."""
    form, code = visit.field("form", 10), visit.field("language", 10)
    language = code if code in visit.site.languages else visit.language.code
    try:
        value = value_of(visit.field("value", 2_000), visit.field("kind", 100) or None)
        operation = IssueClearance(value=value, keys=signing_keys.load(visit.site.settings))
        document = run(visit.site.hub, operation, visit.actor)
    except (Rejected, SeveralValues):
        return show(visit, _NOT_A_VALUE)
    except NotCleared:
        return show(visit, _NOT_CLEARED)
    except BadSigningKey:
        return show(visit, NO_KEYS)
    return _file(visit, document, language, is_pdf=form == "pdf")


def show_own(visit: Visit) -> Response:
    """Show the form for the code and the value, and send the statement about the public list."""
    if visit.request.method != "POST":
        return _own_form(visit)
    desk = visit.site.objections
    try:
        # Counts as a question about an objection. Its result is in the operation.
        desk.follow(visit.remote, code := "".join(visit.field("code", LONGEST_TOKEN).split()))
        asked = asked_value(visit)
        operation = IssueClearanceOfObjection(
            value=value_of(asked.value, asked.kind, asked.details),
            keys=signing_keys.load(visit.site.settings),
            code=code,
        )
        document = run(visit.site.hub, operation, visit.actor)
    except TaxiiError as error:
        return _own_form(visit, 429, _TOO_MANY) if error.status == 429 else _own_form(visit, 404, _NO_STATEMENT)
    except (Rejected, SeveralValues, NotCleared):
        return _own_form(visit, 404, _NO_STATEMENT)
    except BadSigningKey:
        return _own_form(visit, 404, NO_KEYS)
    return _file(visit, document, visit.language.code, is_pdf=visit.field("form", 10) != "json")


def _own_form(visit: Visit, status: int = 200, problem: Translatable | None = None) -> Response:
    given = {name: visit.field(name) for name in ("value", "kind", *BANK_FIELDS)}
    shown: dict[str, Any] = {"kinds": [*kinds.every()], "has_pdf": makes_pdfs(), "problem": problem, "given": given}
    return visit.page("public/clearance.html", status, **shown, needs_bank=False)


def _file(visit: Visit, document: dict[str, Any], language: str, *, is_pdf: bool) -> Response:
    if is_pdf and makes_pdfs():
        page = pdf_of(document, language, visit.site.settings.timezone)
        return visit.file(page, "clearance.pdf", "application/pdf")
    text = orjson.dumps(document, option=orjson.OPT_INDENT_2)
    return visit.file(text, "clearance.json", "application/json")


ROUTES = (
    Route("/console/clearance", may_run(IssueClearance), show, tab=Tab(MEMBERS, 5, mark("Clearance"))),
    Route("/console/clearance/file", may_run(IssueClearance), send, methods=FORM, is_fresh=True),
    Route("/object/clearance", ANYBODY, show_own, methods=BOTH, changes=False),
)
