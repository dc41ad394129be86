"""Explain the part of other hubs in a listing: for each origin its report, and the parts of it that count here."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from schemas import kinds
from schemas.hub_report import HubReport
from schemas.partner import PartnerKind
from schemas.report import Report
from server.features.federation import stored
from server.features.federation.fusion.source import FoundReport, delisted_among, known_report, parsed, reports_of
from server.features.federation.fusion.statements import KnownReport, is_current
from server.features.federation.stored import EMPTY, HELD, UNKNOWN_VERSION, WAITS
from server.release.context import ReleaseContext, open_context
from server.release.explain import subjects_of
from server.release.hub import Hub
from server.release.peers import PeerHub
from server.store.database.engine import Tx
from server.store.database.times import micros

_OF_STATE = {UNKNOWN_VERSION: "unknown version", WAITS: "waits for a review", EMPTY: "empty"}


class ExplainedEntry(NamedTuple):
    """A reporter entry: its weight per cent, the kind of the partner, and its end (microseconds)."""

    weight: int
    kind: PartnerKind
    until: int


class OriginExplanation(NamedTuple):
    """A hub report of one origin about a value.

    ``hub`` is the name of the peer with that origin, ``counts`` how it counts. ``counted`` names the parts that count,
    ``not_counted`` the reasons why others do not. ``peer`` delivered it at ``received`` (microseconds).
    """

    origin: str
    hub: str
    value: str
    stream: str
    number: int
    counts: str
    entries: Sequence[ExplainedEntry]
    counted: Sequence[str]
    not_counted: Sequence[str]
    received: int
    peer: str


def explain_origins(hub: Hub, tx: Tx, id_or_value: str) -> list[OriginExplanation]:
    """Explain the hub reports of other hubs about a value.

    It is named in any spelling, or by the id of a listing or of a hub report.
    """
    if not hub.peers:
        return []
    context = open_context(hub, tx)
    origins = [peer.origin for peer in hub.peers]
    subjects = stored.subjects_of(tx, origins, context.identity.identity, id_or_value)
    found = reports_of(context, subjects or subjects_of(tx, id_or_value, hub.country))
    delisted = delisted_among(context, found)
    return [
        _explained(context, report, peer, is_delisted=subject in delisted)
        for subject in sorted(found)
        for report, peer in found[subject]
    ]


def _explained(context: ReleaseContext, found: FoundReport, peer: PeerHub, *, is_delisted: bool) -> OriginExplanation:
    read = parsed(found.body)
    entries = read[0].reports if read is not None else ()
    known = known_report(context, found, peer, {found.subject} if is_delisted else frozenset())
    return OriginExplanation(
        origin=found.origin,
        hub=peer.name,
        value=found.subject.partition(":")[2],
        stream=found.stream,
        number=found.number,
        counts=peer.count,
        entries=[ExplainedEntry(entry.weight, entry.kind, micros(entry.until)) for entry in entries],
        counted=list(_counted(known, context.at)) if known is not None else [],
        not_counted=list(_not_counted(found, known, peer, context.at)),
        received=found.received,
        peer=found.peer,
    )


def _counted(known: KnownReport, at: datetime) -> Iterator[str]:
    report, has_opinions = known.report, known.peer.count != "not"
    if known.accuses:
        yield from ["reports"] if any(entry.until > at for entry in report.reports) else []
        yield from ["sightings"] if report.sightings else []
    if has_opinions and any(is_current(dispute, known, at) for dispute in report.disputes):
        yield "disputes"
    if report.finding is not None and is_current(report.finding, known, at):
        yield "finding"
    if report.spare_until is not None and report.spare_until > at:
        yield "spare_until"
    if has_opinions and report.hub_decision is not None and is_current(report.hub_decision, known, at):
        yield "hub_decision"


def _not_counted(found: FoundReport, known: KnownReport | None, peer: PeerHub, at: datetime) -> Iterator[str]:
    if found.contradicts:
        yield "contradicts itself"
    if found.state in _OF_STATE:
        yield _OF_STATE[found.state]
    if known is not None:
        yield from _not_counted_of(found, known, peer, at)


def _not_counted_of(found: FoundReport, known: KnownReport, peer: PeerHub, at: datetime) -> Iterator[str]:
    """Yield why parts of a report that can be read do not count."""
    report = known.report
    if known.held and (found.state == HELD or report.reports):
        yield "held by our guard"
    if known.stale:
        yield "stale"
    if peer.count == "not" or (peer.count == "as-one" and _has_several(report)):
        yield peer.count
    if _has_powers(report) and not known.has_authority:
        yield f"no authority for {_country_of(known.about) or 'values without a country'}"
    if any(entry.until <= at for entry in report.reports):
        yield "ended"


def _country_of(about: Report) -> str:
    return kinds.get(about.kind).country_of(about.value)


def _has_several(report: HubReport) -> bool:
    """Return whether counting all of an origin as one organisation changes anything."""
    return len(report.reports) > 1 or len(report.disputes) > 1 or any(entry.authority for entry in report.reports)


def _has_powers(report: HubReport) -> bool:
    return (
        report.finding is not None
        or any(entry.authority for entry in report.reports)
        or any(dispute.decides for dispute in report.disputes)
    )
