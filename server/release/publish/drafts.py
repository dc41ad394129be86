"""The drafts of listings: the consensus for the readers of one collection, with the statements that it is made of."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from operator import attrgetter
from typing import Any, NamedTuple

from mappers import marking
from mappers.consensus import ListingFrame
from mappers.templates import ListingTemplate
from schemas.consensus import Consensus
from schemas.partner import Partner
from schemas.report import FIELDS
from schemas.vocabulary import HolderStatus, Tlp
from server.release.fuse import consensus, grade
from server.release.fuse.consensus import fuse
from server.release.fuse.statements import KeeperAnswer, OpinionStatement, ReportedValue, SightingStatement, Statement
from server.release.guard.personal_data import case_numbers
from server.release.route.audience import Audience
from server.release.route.policy import ConsensusFacts, ReportFacts

# The fields of a consensus that the value and the times of its only report decide; all others follow from the rest.
_OF_ONE_VALUE = ("kind", "value", "details", "first_seen", "last_seen", "valid_from", "valid_until")
_REST = slice(len(_OF_ONE_VALUE), None)
_TIMES = {name for name, declared in FIELDS.items() if declared.is_time}
_MOST_SHAPES = 8_192
_shape = attrgetter(*(name for name in FIELDS if name not in ("value", "details") and name not in _TIMES))


@dataclass(slots=True)
class Alike:
    """The common parts of drafts that differ only in their value and its times.

    ``rest`` are the other fields of their consensus, ``tlp`` and ``onward`` as of a draft, ``frames`` their STIX by the
    type of the observable, ``templates`` their first listings by what else these depend on, ``admitted`` whether a
    collection admits them, by its alias.
    """

    rest: tuple[Any, ...]
    tlp: Tlp
    onward: bool
    frames: dict[str, ListingFrame] = field(default_factory=dict)
    templates: dict[tuple[Any, ...], ListingTemplate | None] = field(default_factory=dict)
    admitted: dict[str, bool] = field(default_factory=dict)


class AlikeDrafts:
    """The common parts of drafts by what their statements have in common; threads and transactions share them.

    They follow from the statements and from the policy alone, so that they hold as long as the hub runs.
    """

    def __init__(self) -> None:
        """Begin with none."""
        self._known: dict[tuple[Any, ...], Alike] = {}

    def get(self, shape: tuple[Any, ...]) -> Alike | None:
        """Return the common parts of drafts of that shape, None where none was made yet."""
        return self._known.get(shape)

    def add(self, shape: tuple[Any, ...], alike: Alike) -> None:
        """Remember the common parts; where there are many shapes, the others are forgotten."""
        if len(self._known) >= _MOST_SHAPES:
            self._known = {}
        self._known[shape] = alike


class Draft(NamedTuple):
    """The listing that a collection is to have: the consensus, and the statements that it is made of.

    ``alike`` is what it has in common with others, None where it may be like no other. ``to_keeper``: it is for the
    institution that keeps the value alone.
    """

    consensus: Consensus
    statements: list[Statement]
    alike: Alike | None = None
    to_keeper: bool = False

    @property
    def tlp(self) -> Tlp:
        """Return the narrowest level of the statements, which holds for their consensus."""
        if self.alike is not None:
            return self.alike.tlp
        is_narrow = self.to_keeper or self.consensus.holder_status is HolderStatus.COERCED
        spared = [Tlp.AMBER_STRICT] if is_narrow else []
        return marking.narrowest([*spared, *(statement.tlp for statement in self.statements)]) or Tlp.RED

    @property
    def onward(self) -> bool:
        """Return whether readers may pass it on."""
        if self.alike is not None:
            return self.alike.onward
        if self.to_keeper:
            return False
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
    answer: KeeperAnswer | None = None


class DraftMaker:
    """Makes the drafts of many values at one moment.

    The collections whose readers see the same of a value have the same draft. The consensus on some reports is that on
    others like them, but for the value and its times: most of a large contribution are alike.
    """

    def __init__(self, at: datetime, alike: AlikeDrafts) -> None:
        """Make the drafts of listings as of ``at``; ``alike`` are those of drafts made before."""
        self._at = at
        self._last: tuple[ReportedValue, _Visible, Draft] | None = None
        self._alike = alike

    def draft(self, value: ReportedValue, is_visible: Callable[[Audience], bool]) -> Draft | None:
        """Return the listing made of the statements that are visible, None where there is none."""
        statements = [statement for statement in value.statements if is_visible(statement.audience)]
        if statements and self._last is not None and self._last[0] is value and value.is_one_report:
            return self._last[2]
        if value.disputed:
            # A hold by a partner with authority ends at its own time, or when that partner revokes it.
            statements = [statement for statement in statements if grade.is_live_hold(statement, self._at)]
        if not statements:
            return None
        visible = _visible(value, statements, is_visible)
        if self._last is not None and self._last[0] is value and self._last[1] == visible:
            return self._last[2]
        draft = self._draft(visible)
        self._last = (value, visible, draft)
        return draft

    def draft_for_keeper(self, value: ReportedValue, keeper: Partner, withheld: Sequence[Statement]) -> Draft | None:
        """Return the listing for the institution that keeps the value, of all reports but those ``withheld`` from it.

        There is none where others than itself report nothing. It has kinds and numbers, and no words of any reporter.
        """
        hidden = {statement.key for statement in withheld}
        statements = [statement for statement in value.statements if statement.key not in hidden]
        if all(statement.partner.counts_as == keeper.counts_as for statement in statements):
            return None
        fused = fuse(
            statements,
            [sighting for sighting in value.counting_sightings if sighting.audience.shared],
            [opinion for opinion in value.opinions if opinion.audience.shared],
            coerced=value.coerced,
            sign=bool(value.signs),
            answer=value.answer,
            disputed=value.disputed,
            unattributed=True,
            at=self._at,
        )
        return Draft(case_numbers.without_personal_numbers(fused), statements, to_keeper=True)

    def _draft(self, visible: _Visible) -> Draft:
        statements = visible.statements
        if not _are_usual(visible):
            return Draft(self._fused(visible), statements)
        shapes = [_shape_of(statement) for statement in statements]
        # Of several reporters the details are joined, so that a value with details is like no other.
        if len(shapes) > 1 and not _are_independent(statements):
            return Draft(self._fused(visible), statements)
        shape = (visible.coerced, visible.sign, *shapes)
        alike = self._alike.get(shape)
        if alike is None:
            draft = Draft(self._fused(visible), statements)
            alike = Alike(tuple(draft.consensus)[_REST], draft.tlp, draft.onward)
            self._alike.add(shape, alike)
            return draft._replace(alike=alike)
        reports = [statement.report for statement in statements]
        first, last, since = consensus.times(reports, (), self._at)
        until = max(consensus.end(report, (), self._at) for report in reports)
        about = reports[0]
        fused = Consensus(about.kind, about.value, about.details, first, last, since, until, *alike.rest)
        return Draft(fused, statements, alike)

    def _fused(self, visible: _Visible) -> Consensus:
        statements, sightings, opinions, coerced, sign, answer = visible
        fused = fuse(statements, sightings, opinions, coerced=coerced, sign=sign, answer=answer, at=self._at)
        return case_numbers.without_personal_numbers(fused)


def _visible(value: ReportedValue, statements: list[Statement], is_visible: Callable[[Audience], bool]) -> _Visible:
    """Return what of a value is visible; while it is disputed, opinions are not counted again."""
    opinions = [] if value.disputed else value.opinions
    return _Visible(
        statements,
        [sighting for sighting in value.sightings if sighting.counts and is_visible(sighting.audience)],
        [opinion for opinion in opinions if is_visible(opinion.audience)],
        value.coerced,
        bool(value.signs),
        value.answer,
    )


def _are_usual(visible: _Visible) -> bool:
    """Return whether a consensus depends on reports alone; a hold among them counts until its own end."""
    if visible.sightings or visible.opinions or visible.answer:
        return False
    return all(statement.report.hold is None for statement in visible.statements)


def _are_independent(statements: Sequence[Statement]) -> bool:
    """Return whether the statements call a value by one name alone, and each organisation speaks for itself."""
    value = statements[0].report.value
    if any(
        statement.report.value != value or statement.report.details or statement.sources for statement in statements
    ):
        return False
    return len({statement.partner.counts_as for statement in statements}) == len(statements)


def _shape_of(statement: Statement) -> tuple[Any, ...]:
    """Return what a consensus takes from a statement, but for the value and the times."""
    return (
        _shape(statement.report),
        statement.partner.kind,
        grade.has_authority(statement.partner, statement.report),
        statement.tlp,
        statement.reliability,
        statement.origins,
        statement.new,
    )
