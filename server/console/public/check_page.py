"""The page ``/check``: what the public part says of a value, and what to do."""

from typing import Any

from flask import Response

from schemas import kinds
from schemas.api.lookup import LookupResult
from server.console.public.asked_value import WHOSE_NUMBER, asked_value, lacks_bank
from server.console.public.front_page import facts_of, link_of
from server.console.visit import Visit
from server.console.words import Translatable, mark
from server.taxii.errors import TaxiiError

_UNCHECKABLE = mark("This cannot be checked. Write one value: a web address, a telephone or account number, a wallet.")
_TOO_MANY = mark("Too many checks come from your network just now. Please wait a minute.")


def show(visit: Visit) -> Response:
    """Show the form, and the answer where a value was sent with it."""
    if visit.request.method != "POST":
        return visit.page("public/check.html", **_values(visit))
    question = asked_value(visit)
    if not question.value:
        return visit.page("public/check.html", 400, **_values(visit, problem=_UNCHECKABLE))
    try:
        answer = visit.site.check_public(visit.site.hub.store, visit.remote, question)
    except TaxiiError as error:
        return visit.page("public/check.html", error.status, error.headers, **_values(visit, problem=_TOO_MANY))
    result = answer.results[0]
    if result.error is not None:
        problem, rule = (WHOSE_NUMBER, "") if lacks_bank(visit) else (_UNCHECKABLE, result.error.message)
        return visit.page("public/check.html", 422, **_values(visit, problem=problem, rule=rule))
    return visit.page("public/check.html", **_values(visit, result=result))


def _values(
    visit: Visit, result: LookupResult | None = None, problem: Translatable | None = None, rule: str = ""
) -> dict[str, Any]:
    return {
        "kinds": [*kinds.every()],
        "given": {name: visit.field(name) for name in ("value", "kind", "bank", "country")},
        "country": visit.site.settings.country,
        "needs_bank": problem is WHOSE_NUMBER,
        "result": result,
        "problem": problem,
        "rule": rule,
        "contact_link": link_of(visit.site.settings.contact),
        "contacts": facts_of(visit).contacts if result is not None else [],
    }
