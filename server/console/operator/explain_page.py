"""The page that explains why a contribution is published, or is not."""

from collections.abc import Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import NamedTuple

from flask import Response

from schemas import kinds
from schemas.api.lookup import readings
from schemas.errors import Rejected
from server.console.languages import Language
from server.console.operator.review_texts import rule_text
from server.console.operator.trail import note
from server.console.public.asked_value import question_of
from server.console.visit import Visit
from server.console.words import Translatable, label, mark
from server.release.explain import ContributionExplanation, explain
from server.release.explain_facts import RuleCheck
from server.store.database.engine import Tx

_NOTHING = mark("Nothing of it is stored here, or it is no value that could be.")
_MOST_SHOWN = 50
_LONGEST = 2_000


class FactTexts(NamedTuple):
    """The sentences of a fact: the fact itself, and what would change it."""

    fact: Translatable
    way_out: Translatable = ""


FACT_TEXTS: Mapping[str, FactTexts] = MappingProxyType(
    {
        "stored": FactTexts(mark("It is stored in the inbox")),
        "revoked": FactTexts(
            mark("It was revoked"), mark("If it is right, its partner contributes it again under a new id")
        ),
        "no-value": FactTexts(
            mark("Its pattern names no value that this hub can read (%(reason)s)"),
            mark("Its partner writes a pattern that names one value"),
        ),
        "treated-as": FactTexts(mark("It is treated as TLP:%(tlp)s")),
        "not-held": FactTexts(mark("No rule of the guard holds it")),
        "approved": FactTexts(mark("A person approved it: %(rule)s")),
        "counts-meanwhile": FactTexts(mark("It waits for a review, and counts meanwhile: %(rule)s")),
        "held": FactTexts(mark("It waits for a person. %(why)s"), mark("Decide it under Reviews")),
        "rejected": FactTexts(mark("A person rejected it. %(why)s"), mark("Its review says who decided, and why")),
        "valid": FactTexts(mark("It is valid now")),
        "readers": FactTexts(mark("Shared collections: %(collections)s. Of one partner alone: %(private)s")),
        "some-readers": FactTexts(mark("Its level and its limits admit readers")),
        "repeats": FactTexts(mark("It repeats what this hub has already, and counts with that")),
        "listed": FactTexts(mark("At least one collection of its audience lists the value")),
        "not-listed": FactTexts(
            mark(
                "%(collection)s does not list it. Grade: %(grade)s, confidence: %(confidence)s, reporters: "
                "%(reporters)s. Its rules ask for %(asked)s"
            ),
            mark("The rules are under Policy"),
        ),
        "never-alone": FactTexts(mark("Objects of this type are stored, and not published by themselves")),
        "with-targets": FactTexts(mark("It is published where the objects are that it is about")),
        "no-targets": FactTexts(
            mark("No collection has the objects that it is about for its audience"),
            mark("Its partner reports these objects first"),
        ),
        "unknown-marking": FactTexts(
            mark("It bears a marking that this hub does not know as a TLP level"),
            mark("Its partner contributes the marking’s definition with its level, or marks the object with TLP"),
        ),
        "expired": FactTexts(
            mark("Its end (valid_until) has passed"),
            mark("If the scam goes on, its partner sends a version with a later end"),
        ),
        "ended-by-keeper": FactTexts(
            mark("The institution that keeps the account answered that it is closed, or not there"),
            mark("If it is used, its partner reports it again"),
        ),
        "unknown-partner": FactTexts(
            mark("Its limits (not_to_partners) name somebody who is no partner here"),
            mark("Its partner writes names or identities as they are registered"),
        ),
        "names-nobody": FactTexts(
            mark("TLP:%(tlp)s is published only for partners that the object names, and it names none"),
            mark("Its partner names them (only_partners)"),
        ),
        "no-named-partner": FactTexts(
            mark("No partner that it names (only_partners) takes part here and is admitted by its other limits"),
            mark("Its partner checks the names, or widens the other limits"),
        ),
        "no-rule": FactTexts(
            mark("No rule lets this kind (%(kind)s) with its TLP level and origin into any collection"),
            mark("Its partner widens the level if it may, or two persons change the rules under Policy"),
        ),
        "no-protector": FactTexts(
            mark(
                "Its holder acts under coercion, and no bank, exchange or government within its limits reads its "
                "collection"
            ),
            mark("Its partner widens its limits, or tells the authority itself"),
        ),
        "limits-admit-nobody": FactTexts(
            mark("Nobody who reads its collection is admitted by all its limits"),
            mark("Its partner widens its limits"),
        ),
        "disputed": FactTexts(mark("The value is in dispute"), mark("Decide it under Disputes")),
        "not-enough-known": FactTexts(
            mark("No rule publishes the value until more is known of it"),
            mark("Further reports, or one with a higher confidence"),
        ),
    }
)


class ShownCheck(NamedTuple):
    """One rule that a contribution met, as the page shows it."""

    rule: str
    verdict: str
    fact: str
    way_out: str


def show(visit: Visit) -> Response:
    """Show the form, and explain the contributions of the id or the value that it has; the search is audited."""
    asked = visit.field("about", _LONGEST)
    found: list[ContributionExplanation] = []
    problem = ""
    if visit.request.method == "POST":
        hub, user = visit.site.hub, visit.known_user
        with hub.store.read() as tx:
            found = _explained(visit, tx, asked) if asked else []
        problem = "" if found else _NOTHING
        # What was looked for is a value, and in no trail; an object that was found is.
        with hub.store.begin(in_passing=True) as tx:
            note(tx, "SEARCH", "explain", user, found[0].id if found else None, objects=len(found))
    return visit.page(
        "operator/explain.html",
        404 if problem else 200,
        asked=asked,
        found=[
            (contribution, [shown_check(visit.language, check) for check in contribution.checks])
            for contribution in found[:_MOST_SHOWN]
        ],
        more=max(0, len(found) - _MOST_SHOWN),
        problem=problem,
    )


def _explained(visit: Visit, tx: Tx, asked: str) -> list[ContributionExplanation]:
    """Explain the contributions of an id or a value; a telephone number may be written as on the page ``/check``."""
    question = question_of(asked, country=visit.site.settings.country)
    found: dict[tuple[str, str], ContributionExplanation] = {}
    texts = [asked]
    if question.kind is not None:
        with suppress(Rejected):
            texts += [reading.normal for reading in readings(asked, question.kind, question.details)]
    for text in texts:
        with suppress(Rejected):
            found |= {
                (contribution.partner, contribution.id): contribution
                for contribution in explain(visit.site.hub, tx, text)
            }
    return list(found.values())


def shown_check(language: Language, check: RuleCheck) -> ShownCheck:
    """Return a check with its sentences in a language."""
    texts = FACT_TEXTS[check.code]
    fields = {name: field or "–" for name, field in check.fields.items()}
    if "rule" in fields:
        rule = fields["rule"]
        fields["rule"] = language.text(label(rule))
        fields["why"] = rule_text(language, rule) or fields["rule"]
    if "grade" in fields:
        fields["grade"] = language.text(label(fields["grade"]))
    if "kind" in fields:
        fields["kind"] = kinds.get(fields["kind"]).title[language.code]
    way_out = language.text(texts.way_out) if texts.way_out else ""
    return ShownCheck(check.rule, check.verdict, language.text(texts.fact) % fields, way_out)
