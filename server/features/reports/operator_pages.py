"""The operator's pages of reports: explain why a contribution is published or not, and retract a value."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from flask import Response

from schemas import kinds
from schemas.errors import Rejected
from server.features.federation.fusion.explain import OriginExplanation, explain_origins
from server.features.reports.delistings import Readership, readership, reporting_hubs, reports_of, witnesses
from server.features.reports.operations import RetractReports
from server.features.trail.operations import ExplainContributions
from server.operations.dual_control import NotAllowed
from server.operations.run import run
from server.release.explain import ContributionExplanation, explain
from server.release.explain_facts import RuleCheck
from server.release.hub import Hub
from server.release.query import lookup
from server.store.database.engine import Tx
from server.store.proposals.proposals import Proposal
from server.web.shell.forms import submit
from server.web.shell.hub_texts import rule_text, word_text
from server.web.shell.languages import Language
from server.web.shell.routes import BOTH, RULES, Route, Tab, may_run
from server.web.shell.visit import Visit
from server.web.shell.words import Translatable, label, mark

_NOTHING_STORED = mark("This hub stores nothing about it, or it is not a valid value.")
_MOST_SHOWN = 50
_LONGEST_ASKED = 2_000
_LONGEST = 2_000
_NOTHING = mark("This hub stores no report of it, or it is not a valid value.")
_CHANGED = mark("Its reports have changed in the meantime. Nothing was retracted. Check the value again.")


class FactTexts(NamedTuple):
    """The sentences of a fact: the fact itself, and a way to change it."""

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
        "counts-meanwhile": FactTexts(mark("It waits for a review, and counts until then: %(rule)s")),
        "warns-meanwhile": FactTexts(
            mark("Its organisation alone blocked too many values in one hour, so it is a warning until a review"),
            mark("Decide it under Reviews"),
        ),
        "of-institution": FactTexts(
            mark("Only an institution can register this name, so the report of one organisation is a warning at most"),
            mark("Its partner adds the hash of a capture as evidence, or a second organisation reports it"),
        ),
        "held": FactTexts(mark("It waits for a person. %(why)s"), mark("Decide it under Reviews")),
        "rejected": FactTexts(mark("A person rejected it. %(why)s"), mark("Its review says who decided, and why")),
        "valid": FactTexts(mark("It is valid now")),
        "readers": FactTexts(mark("Shared collections: %(collections)s. Of one partner alone: %(private)s")),
        "some-readers": FactTexts(mark("Its level and its limits admit readers")),
        "repeats": FactTexts(mark("It repeats an earlier report, and counts together with it")),
        "listed": FactTexts(mark("At least one collection of its audience lists the value")),
        "not-listed": FactTexts(
            mark(
                "%(collection)s does not list it. Grade: %(grade)s, confidence: %(confidence)s, reporters: "
                "%(reporters)s. Its rules ask for %(asked)s"
            ),
            mark("The rules are under Policy"),
        ),
        "never-alone": FactTexts(mark("Objects of this type are stored, but not published on their own")),
        "with-targets": FactTexts(mark("It is published in the collections that have its target objects")),
        "no-targets": FactTexts(
            mark("No collection of its audience has its target objects"),
            mark("Its partner reports these objects first"),
        ),
        "unknown-marking": FactTexts(
            mark("It has a marking that this hub does not recognise as a TLP level"),
            mark("Its partner contributes the marking’s definition with its level, or marks the object with TLP"),
        ),
        "expired": FactTexts(
            mark("It has expired"),
            mark("If the scam continues, its partner sends a version with a later end"),
        ),
        "ended-by-keeper": FactTexts(
            mark("The provider of the account reported that it is closed or does not exist"),
            mark("If the account is in use, its partner reports it again"),
        ),
        "unknown-partner": FactTexts(
            mark("Its limits name an unknown partner as excluded"),
            mark("Its partner uses the registered names or identities"),
        ),
        "names-nobody": FactTexts(
            mark("TLP:%(tlp)s is published only for named partners, and the object names none"),
            mark("Its reporter names the only partners that may read it"),
        ),
        "no-named-partner": FactTexts(
            mark("No reader that it names is a partner of this hub that its other limits admit"),
            mark("Its partner checks the names, or widens the other limits"),
        ),
        "no-rule": FactTexts(
            mark("No rule admits this kind (%(kind)s) with its TLP level and origin to a collection"),
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
            mark("No reader of its collection is admitted by all its limits"),
            mark("Its partner widens its limits"),
        ),
        "disputed": FactTexts(mark("The value is in dispute"), mark("Decide it under Disputes")),
        "not-enough-known": FactTexts(
            mark("No rule publishes the value with the present reports"),
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


def show_explanation(visit: Visit) -> Response:
    """Show the form, and explain the contributions of its id or value; the audit trail records the search."""
    asked = visit.field("about", _LONGEST_ASKED)
    found: list[ContributionExplanation] = []
    origins: list[OriginExplanation] = []
    problem = ""
    if visit.request.method == "POST":
        hub = visit.site.hub
        with hub.store.read() as tx:
            found = _explained(visit, tx, asked) if asked else []
            origins = _origins(visit, tx, asked) if asked else []
        problem = "" if found or origins else _NOTHING_STORED
        first = found[0].id if found else None
        run(hub, ExplainContributions(found=first, number=len(found)), visit.actor)
    return visit.page(
        "operator/explain.html",
        404 if problem else 200,
        asked=asked,
        found=[
            (contribution, [shown_check(visit.language, check) for check in contribution.checks])
            for contribution in found[:_MOST_SHOWN]
        ],
        more=max(0, len(found) - _MOST_SHOWN),
        origins=origins[:_MOST_SHOWN],
        problem=problem,
    )


def _explained(visit: Visit, tx: Tx, asked: str) -> list[ContributionExplanation]:
    """Explain the contributions of an id or a value, if any are stored."""
    try:
        return explain(visit.site.hub, tx, asked)
    except Rejected:
        return []


def _origins(visit: Visit, tx: Tx, asked: str) -> list[OriginExplanation]:
    """Explain the reports of other hubs about a value, if there are any."""
    try:
        return explain_origins(visit.site.hub, tx, asked)
    except Rejected:
        return []


def shown_check(language: Language, check: RuleCheck) -> ShownCheck:
    """Return a check with its sentences in a language."""
    texts = FACT_TEXTS[check.code]
    fields = {name: field or "–" for name, field in check.fields.items()}
    if "rule" in fields:
        rule = fields["rule"]
        fields["rule"] = word_text(language, rule)
        fields["why"] = rule_text(language, rule) or fields["rule"]
    if "grade" in fields:
        fields["grade"] = language.text(label(fields["grade"]))
    if "kind" in fields:
        fields["kind"] = kinds.get(fields["kind"]).title[language.code]
    way_out = language.text(texts.way_out) if texts.way_out else ""
    return ShownCheck(check.rule, check.verdict, language.text(texts.fact) % fields, way_out)


class Retractable(NamedTuple):
    """The effect of a retraction: values by their names, the number of reports, and their readers.

    ``reporters`` is the number of organisations that ever reported them: one that reports again changes nothing.
    """

    subjects: list[str]
    reports: int
    reporters: int
    readership: Readership


def show_retraction(visit: Visit) -> Response:
    """Show the form, then the effects of the retraction, and then retract; the value is in no address."""
    hub, text = visit.site.hub, visit.field("value", _LONGEST)
    if visit.request.method == "GET":
        return visit.page("operator/retract.html", given="", found=None, takes_two=False, problem="")
    with hub.store.read() as tx:
        found = _find(hub, tx, text)
    if found is None:
        return visit.page("operator/retract.html", 404, given=text, found=None, takes_two=False, problem=_NOTHING)
    takes_two = found.readership.is_more_than(hub.most_readers_by_one)
    if visit.field("step") == "do":
        return _take_back(visit, text)
    return visit.page("operator/retract.html", given=text, found=found, takes_two=takes_two, problem="")


def _take_back(visit: Visit, text: str) -> Response:
    """Retract the value as it was shown, or propose that."""
    shown = visit.field("reporters", 10)
    operation = RetractReports(values=(text,), reporters=int(shown) if shown.isascii() and shown.isdecimal() else 0)
    done = submit(visit, operation, {NotAllowed: (409, _CHANGED), Rejected: (409, _CHANGED)})
    if isinstance(done, Proposal):
        return visit.go(f"/console/proposals/{done.id}")
    return visit.page("operator/retracted.html", done=len(done.retracted))


def _find(hub: Hub, tx: Tx, text: str) -> Retractable | None:
    """Return the retractable reports of a value in any spelling, or None."""
    try:
        subjects = sorted(lookup.subjects(tx, {text}, hub.country)) if text else []
    except Rejected:
        return None
    reports = len(reports_of(tx, subjects)) + len(reporting_hubs(hub, tx, subjects))
    return Retractable(subjects, reports, len(witnesses(tx, subjects)), readership(tx, subjects)) if reports else None


ROUTES = (
    Route(
        "/console/explain",
        may_run(ExplainContributions),
        show_explanation,
        methods=BOTH,
        tab=Tab(RULES, 4, mark("Explain")),
    ),
    Route("/console/retract", may_run(RetractReports), show_retraction, methods=BOTH),
)
