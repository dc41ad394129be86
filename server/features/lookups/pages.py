"""The page ``/check``: the public answer about a value, or about each value in a text, with advice."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from flask import Response

from schemas import kinds
from schemas.api.lookup import Listing, LookupQuestion, LookupResult
from server.features.lookups.asked_text import LONGEST_TEXT, MOST_VALUES, TextQuestions, questions_of
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

_STRONG = ("block", "hold", "step-up")
_UNCHECKABLE = mark(
    "We found no number, account or address in it. Write a telephone or account number, a web or e-mail address, a "
    "wallet, or paste the message."
)
_TOO_MANY = mark("Too many checks came from your network.")


def show(visit: Visit) -> Response:
    """Show the form, and the answer about a submitted value, or about each value in a submitted text."""
    if visit.request.method != "POST":
        return visit.page("public/check.html", **_values(visit))
    questions, is_cut = _asked(visit)
    if not questions:
        return visit.page("public/check.html", 400, **_values(visit, problem=_UNCHECKABLE))
    answered: list[_Answered] = []
    for question in questions:
        try:
            answer = visit.site.check_public(visit.site.hub.store, visit.remote, question)
        except TaxiiError as error:
            values = _values(visit, answered, problem=_TOO_MANY, rule=when_again(visit, error))
            return visit.page("public/check.html", error.status, error.headers, **values)
        answered.append(_Answered(question, answer.results[0]))
    if len(answered) == 1 and (refused := answered[0].result.error) is not None:
        problem, rule = (
            (WHOSE_NUMBER, "")
            if lacks_bank(visit)
            else (_UNCHECKABLE, refusal_text(visit.language, refused.reason, refused.message))
        )
        return visit.page("public/check.html", 422, **_values(visit, problem=problem, rule=rule))
    return visit.page("public/check.html", **_values(visit, answered, is_cut=is_cut))


class _Answered(NamedTuple):
    """A value that was asked about, and the answer."""

    question: LookupQuestion
    result: LookupResult

    @property
    def listings(self) -> tuple[Listing, ...]:
        """Return what lists the value, or else its site."""
        return self.result.listings or (self.result.site.listings if self.result.site else ())

    @property
    def is_strong(self) -> bool:
        """Return whether the advice is not to pay."""
        return bool(self.listings) and self.result.grade in _STRONG

    @property
    def own(self) -> dict[str, str]:
        """Return the fields of an objection to what is listed."""
        if not self.result.found and self.result.site:
            return {"value": self.result.site.value, "kind": self.result.site.kind}
        return {"value": self.question.value, "kind": self.question.kind or "", **self.question.details}


def _asked(visit: Visit) -> TextQuestions:
    """Return the values that the form asks about: one if its kind or bank is chosen, else the values of the text."""
    text = visit.request.form.get("value", "")
    one = asked_value(visit)
    if one.value and (one.kind or one.details):
        return TextQuestions([one], is_cut=False)
    found = questions_of(text, visit.site.settings.country)
    # A value that is not recognised gets an answer with the reason.
    return found if found.questions or not one.value else TextQuestions([one], is_cut=False)


def _values(
    visit: Visit,
    answered: Sequence[_Answered] = (),
    problem: Translatable | None = None,
    rule: str = "",
    *,
    is_cut: bool = False,
) -> dict[str, Any]:
    given = {name: visit.field(name) for name in ("kind", *BANK_FIELDS)}
    return {
        "kinds": [*kinds.every()],
        "given": {"value": visit.request.form.get("value", "").strip()[:LONGEST_TEXT], **given},
        "needs_bank": problem is WHOSE_NUMBER,
        "answered": answered,
        "is_cut": is_cut,
        "longest": LONGEST_TEXT,
        "most": MOST_VALUES,
        "problem": problem,
        "rule": rule,
        "contacts": facts_of(visit).contacts if answered else [],
    }


ROUTES = (Route("/check", ANYBODY, show, methods=BOTH, changes=False),)
