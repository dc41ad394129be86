"""The cautions about a reported value, from all that the hub knows: shown to the person who decides on it."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from schemas.report import Report
from schemas.vocabulary import HolderStatus
from server.features.objections import records as objections
from server.release.facts import HubFacts
from server.release.fuse.statements import ReportedValue
from server.release.guard.allowlists import entered, hub_values
from server.release.guard.allowlists.catalogue import ALLOWLISTS
from server.release.hub import Hub
from server.release.review import ReviewSummary
from server.release.session import ReleaseSession
from server.store import reputation, value_index
from server.store.database.engine import Tx
from server.store.database.times import now

# About the partner: shown on the page of a review, without excluding the report from a bulk approval.
OFTEN_WRONG = "often-wrong"
_VICTIMS = (HolderStatus.DECEIVED, HolderStatus.COERCED)
# Show a partner's wrong reports if there are this many, and at least a fourth of its judged reports.
_WRONG, _SHARE = 3, 4


class Caution(NamedTuple):
    """One reason to look twice before a value is released: its code, and the details of its sentence."""

    code: str
    values: Mapping[str, Any] = MappingProxyType({})

    @property
    def is_of_value(self) -> bool:
        """Return whether it is about the value itself, not about all reports of its partner."""
        return self.code != OFTEN_WRONG


class Background(NamedTuple):
    """The hub's knowledge of a value: the cautions, and its other reporters, by kind of partner."""

    cautions: list[Caution]
    reporters: Mapping[str, int]
    sightings: int

    @property
    def is_known(self) -> bool:
        """Return whether any other partner has reported or sighted it."""
        return bool(self.reporters or self.sightings)


def backgrounds(hub: Hub, tx: Tx, summaries: Sequence[ReviewSummary]) -> dict[str, Background]:
    """Return the backgrounds of the values of these reviews, by the ids of their objects, with one read for all."""
    subjects = {
        summary.review.object_id: value_index.subject_of(summary.kind, summary.value)
        for summary in summaries
        if summary.value is not None
    }
    session = ReleaseSession.open(hub, tx)
    values = {value.subject: value for value in session.load(set(subjects.values()))} if subjects else {}
    facts = session.context.facts
    reports = [summary.report for summary in summaries if summary.report is not None]
    delisted = hub_values.find_delisted(tx, reports, has_delisted=facts.has_delisted, has_erased=False)
    objected = _objections(tx, subjects.values())
    totals = reputation.totals(tx)
    found = {}
    for summary in summaries:
        id_, partner = summary.review.object_id, summary.review.partner
        value = values.get(subjects.get(id_, ""))
        cautions: list[Caution] = []
        if summary.report is not None:
            cautions += _by_lists(hub, summary.report, facts)
            if (summary.report.kind, summary.report.value) in delisted:
                cautions.append(Caution("delisted"))
        others = value.statements if value is not None else []
        cautions += _of_holder([*filter(None, [summary.report]), *(statement.report for statement in others)])
        if value is not None:
            cautions += _by_others(value)
        if count := objected[subjects.get(id_, "")]:
            cautions.append(Caution("objected", {"count": count}))
        if (judged := totals.get(partner)) and judged.wrong >= max(_WRONG, (judged.right + judged.wrong) / _SHARE):
            cautions.append(Caution(OFTEN_WRONG, {"partner": partner, "wrong": judged.wrong, "right": judged.right}))
        found[id_] = Background(cautions, *_known_by(value, partner))
    return found


def _by_lists(hub: Hub, report: Report, facts: HubFacts) -> Iterable[Caution]:
    """Yield the list that has the value now, whichever rule holds the report, and the partner whose own value it is."""
    if (match := hub.allowlists.match(report)) is not None:
        allowlist = ALLOWLISTS.get(match.list)
        yield Caution(f"list-{allowlist.entry_type}" if allowlist else "list", {"list": match.list})
    if hub_values.match_own_values(facts.own_values, report) is not None:
        yield Caution("own-value")
    if entered.match_entry(facts.allowed_values, report, now()) is not None:
        yield Caution("entered")


def _of_holder(reports: Iterable[Report]) -> Iterable[Caution]:
    for report in reports:
        if report.holder_status in _VICTIMS:
            yield Caution("holder", {"status": str(report.holder_status)})
            return


def _by_others(value: ReportedValue) -> Iterable[Caution]:
    """Yield the objections of the provider and of others to the value."""
    if value.answer is not None and not value.answer.effect.confirms:
        answer = {"partner": value.answer.said_by, "answer": str(value.answer.code)}
        yield Caution("provider-clears" if value.answer.effect.clears else "provider-answered", answer)
    for doubt in value.doubts:
        says = {"partner": doubt.said_by, "says": str(doubt.outcome or doubt.opinion)}
        yield Caution("doubted", {**says, "reason": doubt.reason or "other"})


def _objections(tx: Tx, subjects: Iterable[str]) -> Counter[str]:
    found = objections.of_values(tx, set(subjects))
    about = objections.subjects_of(tx, [objection.id for objection in found])
    return Counter(subject for of_one in about.values() for subject in of_one)


def _known_by(value: ReportedValue | None, partner: str) -> tuple[Mapping[str, int], int]:
    """Return how many other partners report a value, by kind, and how often it was sighted."""
    if value is None:
        return {}, 0
    others = {statement.partner.name: statement.partner.kind for statement in value.statements}
    others.pop(partner, None)
    return Counter(str(kind) for kind in others.values()), len(value.counting_sightings)
