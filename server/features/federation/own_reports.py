"""This hub's own report of a value in each stream: its partners' reports, and the protections that follow accusations.

Nothing of another hub enters it. Another hub's accusation only decides where this hub's protections are published.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from msgspec.structs import replace

from mappers import extension
from mappers.hub_report import value_of
from schemas.errors import Rejected
from schemas.hub_report import MOST_REPORTERS, OPEN, VERSION, HubDecision, HubReport, HubSighting, ReporterEntry, read
from schemas.report import Consensus
from schemas.site import names_of
from schemas.vocabulary import Action, HolderStatus, Tlp
from server.features.federation import own_entries
from server.features.federation.own_entries import TokenMaker, to_minute
from server.features.federation.stored import COUNTS, HELD, LIMITED, WAITS, StoredReport
from server.features.federation.streams import HubStream
from server.release.fuse.authority import confirms_coercion
from server.release.fuse.consensus import LONGEST_LIFE, end, fuse
from server.release.fuse.statements import (
    COERCED,
    ReportedValue,
    SightingStatement,
    Statement,
)
from server.release.retract import BY_OBJECTION, RETRACTED
from server.release.session import ReleaseSession
from server.store.database.times import moment

_ACCUSING = (COUNTS, HELD, WAITS, LIMITED)


class OwnContent(NamedTuple):
    """What this hub publishes about a value in one stream; ``report`` is not numbered yet. It ends at ``until``."""

    report: HubReport
    consensus: Consensus
    tlp: Tlp
    until: datetime


class _OwnStatements(NamedTuple):
    """The statements of this hub's own partners about a value."""

    statements: list[Statement]
    sightings: list[SightingStatement]
    coerced: bool


class _Accusations(NamedTuple):
    """The streams with entries of other hubs about a value: the open one, and from which origins a direct one.

    ``consensus`` names the value without any facts; None if there are none.
    """

    is_open: bool
    direct_from: frozenset[str]
    consensus: Consensus | None


class OwnReports:
    """Makes this hub's own reports in one transaction."""

    def __init__(
        self,
        session: ReleaseSession,
        streams: Sequence[HubStream],
        tokens: TokenMaker,
        step: int,
        others: Mapping[str, Sequence[StoredReport]],
        delisted: Mapping[str, int],
    ) -> None:
        """Make them from the values that ``session`` loads.

        ``others`` are the stored reports of other hubs by subject; ``delisted`` has the names of values that this hub
        found wrong, with the time (microseconds). Weights are multiples of ``step``.
        """
        self._session = session
        self._at = session.context.at
        self._streams = streams
        self._tokens = tokens
        self._step = step
        self._others = others
        self._delisted = delisted

    def of(self, value: ReportedValue) -> dict[str, OwnContent]:
        """Return what this hub publishes about a value, by the names of the streams; nothing where it is empty."""
        own = self._own(value)
        accused = self._accusations(value.subject)
        entries = {stream.name: self._entries(value.subject, own, stream) for stream in self._streams}
        protections = self._protections(value, own, accused)
        found = {}
        for stream in self._streams:
            here = entries[stream.name]
            report = HubReport(version=VERSION, stream=stream.name, number=1, nonce="")
            if here:
                more = len(here) - MOST_REPORTERS
                report = replace(report, reports=tuple(here[:MOST_REPORTERS]), more=max(more, 0))
            if here or self._is_accused(stream, accused):
                report = replace(report, sightings=self._sightings(value.subject, own, stream))
            if self._protects(stream, entries, accused):
                report = replace(report, **protections)
            if not report.is_empty and (consensus := self._consensus(value, own, stream, report, accused)) is not None:
                level = Tlp.CLEAR if here and all(entry.tlp is Tlp.CLEAR for entry in here) else Tlp.GREEN
                level = (
                    Tlp.AMBER if stream.peer is not None and any(entry.tlp is Tlp.AMBER for entry in here) else level
                )
                found[stream.name] = OwnContent(report, consensus, level, _ends(report, self._at))
        return found

    def _own(self, value: ReportedValue) -> _OwnStatements:
        """Return the statements of this hub's own partners, also those that only another hub's finding ends."""
        foreign = value.answer is not None and bool(value.answer.hub)
        ended_here = value.found_here is not None and value.found_here.effect.ends
        ended = value.ended if foreign and not ended_here else ()
        statements = [
            known for known in (*value.statements, *ended) if not (known.hub or known.second_hand or known.partner.peer)
        ]
        sightings = [sighting for sighting in value.sightings if not (sighting.hub or sighting.partner.peer)]
        return _OwnStatements(statements, sightings, any(map(self._confirms, statements)))

    def _confirms(self, known: Statement) -> bool:
        """Return whether a report confirms that the holder acts under coercion: by its standing, or a person's word."""
        if known.report.holder_status is not HolderStatus.COERCED:
            return False
        review, context = self._session.loader.states.get(known.key), self._session.context
        if review is not None and review.state == "approved" and review.rule == COERCED:
            return True
        return confirms_coercion(known.partner, known.report, known.reliability, context.registry, context.policy)

    def _entries(self, subject: str, own: _OwnStatements, stream: HubStream) -> list[ReporterEntry]:
        counting = [sighting for sighting in own.sightings if sighting.counts]
        admitted = [known for known in own.statements if self._admits(stream, known, own)]
        return own_entries.entries_of(admitted, counting, subject, self._tokens, self._step, self._at)

    @staticmethod
    def _admits(stream: HubStream, known: Statement, own: _OwnStatements) -> bool:
        coerced = own.coerced or known.report.holder_status is HolderStatus.COERCED
        return stream.admits(known.tlp, known.report.sharing, coerced=coerced)

    def _sightings(self, subject: str, own: _OwnStatements, stream: HubStream) -> tuple[HubSighting, ...]:
        loader = self._session.loader
        admitted = [
            sighting
            for sighting in own.sightings
            if (tlp := loader.tlp(sighting.key)) is not None
            and stream.admits(tlp, extension.sharing(loader.known[sighting.key]), coerced=own.coerced)
        ]
        return own_entries.sightings_of(admitted, subject, self._tokens, self._at)

    def _protections(self, value: ReportedValue, own: _OwnStatements, accused: _Accusations) -> dict[str, Any]:
        """Return the protections of a value in force, as properties of a hub report."""
        opinions = [opinion for opinion in value.opinions if not (opinion.hub or opinion.partner.peer)]
        named = own.statements[0].report if own.statements else accused.consensus
        spare = [end(known.report, own.sightings, self._at) for known in own.statements if self._confirms(known)]
        kept = value.found_here
        return {
            "disputes": own_entries.disputes_of(opinions, value.subject, self._tokens, self._at),
            "finding": own_entries.finding_of(kept, named.kind, named.value, self._at) if named else None,
            "spare_until": to_minute(max(spare)) if spare and max(spare) > self._at else None,
            "hub_decision": self._decision(value),
        }

    def _decision(self, value: ReportedValue) -> HubDecision | None:
        """Return the decision of this hub that the listing was wrong, None if there is none, or it is over."""
        if not self._delisted:
            return None
        kind, _, name = value.subject.partition(":")
        decided = [self._delisted[name] for name in names_of(kind, name) if name in self._delisted]
        if not decided:
            return None
        since = moment(max(decided))
        if since + LONGEST_LIFE <= self._at:
            return None
        states = self._session.loader.states
        retracted = {states[key].message for key in value.ids if key in states and states[key].rule == RETRACTED}
        word = "objection" if BY_OBJECTION.message in retracted else "operator" if retracted else "review"
        return HubDecision(word, to_minute(since), to_minute(since + LONGEST_LIFE))

    def _accusations(self, subject: str) -> _Accusations:
        """Return where other hubs accuse a value at present."""
        is_open, direct, named = False, set[str](), None
        for row in self._others.get(subject, ()):
            if row.state not in _ACCUSING:
                continue
            signed = read(row.body)
            if signed.report is None or not any(entry.until > self._at for entry in signed.report.reports):
                continue
            try:
                about = value_of(signed)
            except Rejected:
                continue
            named = named or naming(about.kind, about.value, about.details, self._at)
            if row.stream == OPEN:
                is_open = True
            else:
                direct.add(row.origin)
        return _Accusations(is_open, frozenset(direct), named)

    @staticmethod
    def _is_accused(stream: HubStream, accused: _Accusations) -> bool:
        return accused.is_open if stream.peer is None else stream.peer.origin in accused.direct_from

    def _protects(
        self, stream: HubStream, entries: Mapping[str, Sequence[ReporterEntry]], accused: _Accusations
    ) -> bool:
        """Return whether protections follow an accusation into a stream.

        They are in the open stream if it accuses the value; else in those of the peers that sent or received the
        accusation.
        """
        is_open = bool(entries[OPEN]) or accused.is_open
        if stream.peer is None:
            return is_open
        return not is_open and (bool(entries[stream.name]) or stream.peer.origin in accused.direct_from)

    def _consensus(
        self, value: ReportedValue, own: _OwnStatements, stream: HubStream, report: HubReport, accused: _Accusations
    ) -> Consensus | None:
        """Return the consensus of the reports in a stream alone, or for one without reports the name of the value."""
        if not report.reports:
            if accused.consensus is not None:
                return accused.consensus
            known = own.statements[0].report if own.statements else None
            return naming(known.kind, known.value, known.details, self._at) if known else None
        admitted = [
            known
            for known in own.statements
            if self._admits(stream, known, own) and end(known.report, own.sightings, self._at) > self._at
        ]
        counting = [sighting for sighting in own.sightings if sighting.counts]
        opinions = [opinion for opinion in value.opinions if not opinion.hub]
        coerced = own.coerced and stream.peer is not None
        return fuse(admitted, counting, opinions, coerced=coerced, answer=value.found_here, at=self._at)


def naming(kind: str, value: str, details: Mapping[str, str], at: datetime) -> Consensus:
    """Return a consensus that only names a value."""
    return Consensus(
        kind=kind,
        value=value,
        details=dict(details),
        first_seen=None,
        last_seen=None,
        valid_from=at,
        valid_until=at,
        confidence=0,
        grade=Action.INVESTIGATE,
        disputed=False,
        reporters=0,
        reporter_kinds=(),
    )


def _ends(report: HubReport, at: datetime) -> datetime:
    """Return when the last part of a report ends."""
    ends = [entry.until for entry in report.reports] + [dispute.until for dispute in report.disputes]
    ends += [part.until for part in (report.finding, report.hub_decision) if part is not None]
    ends += [report.spare_until] if report.spare_until else []
    seen = [sighting.last for sighting in report.sightings if sighting.last] if not ends else []
    return max(ends, default=max(seen, default=at) + own_entries.DISPUTE_LIFE)
