"""The page ``/check``: the public answer about a value, with advice."""

from typing import Any

from flask import Response

from schemas import kinds
from schemas.api.lookup import LookupResult
from server.features.lookups.asked_value import WHOSE_NUMBER, asked_value, lacks_bank
from server.features.overview.pages import facts_of
from server.operations.rights import ANYBODY
from server.web.shell.banks import BANK_FIELDS
from server.web.shell.forms import when_again
from server.web.shell.hub_texts import refusal_text
from server.web.shell.routes import BOTH, Route
from server.web.shell.visit import Visit
from server.web.shell.words import Translatable, mark
from server.web.taxii.errors import TaxiiError

_UNCHECKABLE = mark(
    "Write one number, account or address: a telephone or account number, a web or e-mail address, a wallet."
)
_TOO_MANY = mark("Too many checks came from your network.")


def show(visit: Visit) -> Response:
    """Show the form, and the answer about a submitted value."""
    if visit.request.method != "POST":
        return visit.page("public/check.html", **_values(visit))
    question = asked_value(visit)
    if not question.value:
        return visit.page("public/check.html", 400, **_values(visit, problem=_UNCHECKABLE))
    try:
        answer = visit.site.check_public(visit.site.hub.store, visit.remote, question)
    except TaxiiError as error:
        values = _values(visit, problem=_TOO_MANY, rule=when_again(visit, error))
        return visit.page("public/check.html", error.status, error.headers, **values)
    result = answer.results[0]
    if result.error is not None:
        problem, rule = (
            (WHOSE_NUMBER, "")
            if lacks_bank(visit)
            else (_UNCHECKABLE, refusal_text(visit.language, result.error.reason, result.error.message))
        )
        return visit.page("public/check.html", 422, **_values(visit, problem=problem, rule=rule))
    return visit.page("public/check.html", **_values(visit, result=result))


def _values(
    visit: Visit, result: LookupResult | None = None, problem: Translatable | None = None, rule: str = ""
) -> dict[str, Any]:
    return {
        "kinds": [*kinds.every()],
        "given": {name: visit.field(name) for name in ("value", "kind", *BANK_FIELDS)},
        "needs_bank": problem is WHOSE_NUMBER,
        "result": result,
        "problem": problem,
        "rule": rule,
        "contacts": facts_of(visit).contacts if result is not None else [],
    }


ROUTES = (Route("/check", ANYBODY, show, methods=BOTH, changes=False),)
