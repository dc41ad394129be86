"""The drafts of listings: the consensus for the readers of one collection, with the statements that it is made of."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from operator import attrgetter
from typing import Any, NamedTuple

from mappers import marking
from mappers.consensus import ListingFrame
from schemas.consensus import Consensus
from schemas.report import FIELDS
from schemas.vocabulary import HolderStatus, Tlp
from server.release.fuse import consensus, grade
from server.release.fuse.consensus import fuse
from server.release.fuse.statements import OpinionStatement, ReportedValue, SightingStatement, Statement
from server.release.guard.personal_data import case_numbers
from server.release.route.audience import Audience
from server.release.route.policy import ConsensusFacts, ReportFacts

# The fields of a consensus that the value and the times of its only report decide; all others follow from the rest.
_OF_ONE_VALUE = ("kind", "value", "details", "first_seen", "last_seen", "valid_from", "valid_until")
_REST = slice(len(_OF_ONE_VALUE), None)
_TIMES = {name for name, declared in FIELDS.items() if declared.is_time}
_shape = attrgetter(*(name for name in FIELDS if name not in ("value", "details") and name not in _TIMES))


@dataclass(slots=True)
class Alike:
    """What drafts have in common that differ only in their value and its times.

    ``rest`` are the other fields of their consensus, ``frames`` their STIX by the type of the observable and the level,
    ``admitted`` whether a collection admits them, by its alias and the level.
    """

    rest: tuple[Any, ...]
    frames: dict[tuple[str, Tlp], ListingFrame] = field(default_factory=dict)
    admitted: dict[tuple[str, Tlp], bool] = field(default_factory=dict)


class Draft(NamedTuple):
    """The listing that a collection is to have: the consensus, and the statements that it is made of.

    ``alike`` is what it has in common with others, None where it may be like no other.
    """

    consensus: Consensus
    statements: list[Statement]
    alike: Alike | None = None

    @property
    def tlp(self) -> Tlp:
        """Return the narrowest level of the statements, which holds for their consensus."""
        spared = [Tlp.AMBER_STRICT] if self.consensus.holder_status is HolderStatus.COERCED else []
        return marking.narrowest([*spared, *(statement.tlp for statement in self.statements)]) or Tlp.RED

    @property
    def onward(self) -> bool:
        """Return whether readers may pass it on."""
        limits = (statement.report.sharing for statement in self.statements)
        return all(sharing is None or sharing.onward for sharing in limits)

    @property
    def facts(self) -> ConsensusFacts:
        """Return the facts that policy rules ask about the consensus."""
        consensus = self.consensus
        return ConsensusFacts(consensus.grade, consensus.countries, consensus.confidence, consensus.reporters)

    @property
    def sources(self) -> tuple[ReportFacts, ...]:
        """Return the facts that policy rules ask about each report."""
        return tuple(
            ReportFacts(statement.report.kind, statement.tlp, statement.partner.kind) for statement in self.statements
        )


class _Visible(NamedTuple):
    """The statements about a value that the readers of a collection see, and what else its consensus depends on."""

    statements: list[Statement]
    sightings: list[SightingStatement]
    opinions: list[OpinionStatement]
    coerced: bool
    sign: bool


class DraftMaker:
    """Makes the drafts of many values at one moment.

    The collections whose readers see the same of a value have the same draft. The consensus on a single report is that
    on another like it, but for its value and its times: most of a large contribution are alike.
    """

    def __init__(self, at: datetime) -> None:
        """Make the drafts of listings as of ``at``."""
        self._at = at
        self._last: tuple[ReportedValue, _Visible, Draft] | None = None
        self._alike: dict[tuple[Any, ...], Alike] = {}

    def draft(self, value: ReportedValue, is_visible: Callable[[Audience], bool]) -> Draft | None:
        """Return the listing made of the statements that are visible, None where there is none."""
        statements = [statement for statement in value.statements if is_visible(statement.audience)]
        if value.disputed:
            # A hold by a partner with authority ends at its own time, or when that partner revokes it.
            statements = [statement for statement in statements if grade.is_live_hold(statement, self._at)]
        if not statements:
            return None
        opinions = [] if value.disputed else value.opinions
        visible = _Visible(
            statements,
            [sighting for sighting in value.sightings if sighting.counts and is_visible(sighting.audience)],
            [opinion for opinion in opinions if is_visible(opinion.audience)],
            value.coerced,
            bool(value.signs),
        )
        if self._last is not None and self._last[0] is value and self._last[1] == visible:
            return self._last[2]
        draft = self._draft(visible)
        self._last = (value, visible, draft)
        return draft

    def _draft(self, visible: _Visible) -> Draft:
        statements = visible.statements
        # A hold counts until its end, so that it is no matter of the report alone.
        if len(statements) > 1 or visible.sightings or visible.opinions or statements[0].report.hold:
            return Draft(self._fused(visible), statements)
        statement, report = statements[0], statements[0].report
        shape = (
            _shape(report),
            statement.partner.kind,
            grade.has_authority(statement.partner, report),
            statement.reliability,
            statement.origins,
            statement.new,
            visible.coerced,
            visible.sign,
        )
        alike = self._alike.get(shape)
        if alike is None:
            fused = self._fused(visible)
            alike = self._alike[shape] = Alike(tuple(fused)[_REST])
            return Draft(fused, statements, alike)
        first, last, since = consensus.times([report], (), self._at)
        until = consensus.end(report, (), self._at)
        fused = Consensus(report.kind, report.value, report.details, first, last, since, until, *alike.rest)
        return Draft(fused, statements, alike)

    def _fused(self, visible: _Visible) -> Consensus:
        statements, sightings, opinions, coerced, sign = visible
        fused = fuse(statements, sightings, opinions, coerced=coerced, sign=sign, at=self._at)
        return case_numbers.without_personal_numbers(fused)
