"""The drafts of listings: the consensus for the readers of one collection, with its statements."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from operator import attrgetter
from typing import Any, NamedTuple

from mappers import marking
from mappers.consensus import ListingFrame
from schemas.fields import Sharing
from schemas.partner import Partner
from schemas.report import FIELDS, Consensus
from schemas.vocabulary import HolderStatus, Tlp
from server.release.fuse import certainty, consensus, grade
from server.release.fuse.hubs import fuse_all
from server.release.fuse.statements import (
    OpinionStatement,
    ProviderFinding,
    ReportedValue,
    SightingStatement,
    Statement,
)
from server.release.guard.personal_data import case_numbers
from server.release.route.audience import Audience
from server.release.route.policy import ConsensusFacts, ReportFacts

# The fields of a consensus that depend on the value and on the times of its only report; all others follow from the
# rest.
_OF_ONE_VALUE = ("kind", "value", "details", "first_seen", "last_seen", "valid_from", "valid_until")
_REST = slice(len(_OF_ONE_VALUE), None)
_TIMES = {name for name, declared in FIELDS.items() if declared.is_time}
_MOST_SHAPES = 8_192
_shape = attrgetter(*(name for name in FIELDS if name not in ("value", "details") and name not in _TIMES))


@dataclass(slots=True)
class Alike:
    """The common parts of drafts that differ only in their value and its times.

    - ``rest``: the other fields of their consensus.
    - ``tlp`` and ``limits``: as in a draft.
    - ``frames``: their STIX, by the type of the observable.
    - ``admitted``: by alias, whether a collection admits them.
    """

    rest: tuple[Any, ...]
    tlp: Tlp
    limits: Sharing | None
    frames: dict[str, ListingFrame] = field(default_factory=dict)
    admitted: dict[str, bool] = field(default_factory=dict)


class AlikeDrafts:
    """The common parts of similar drafts, by the shape of their statements; shared by threads and transactions.

    They depend only on the statements and on the policy, so they stay valid while the hub runs.
    """

    def __init__(self) -> None:
        """Begin with none."""
        self._known: dict[tuple[Any, ...], Alike] = {}

    def get(self, shape: tuple[Any, ...]) -> Alike | None:
        """Return the common parts of drafts of that shape, None if there are none yet."""
        return self._known.get(shape)

    def add(self, shape: tuple[Any, ...], alike: Alike) -> None:
        """Remember the common parts; if there are many shapes, drop the others."""
        if len(self._known) >= _MOST_SHAPES:
            self._known = {}
        self._known[shape] = alike


class Draft(NamedTuple):
    """The planned listing of a collection: the consensus, and its statements.

    ``alike`` has the parts that it shares with other drafts, None if it may be unique. ``to_provider``: it is only for
    the value's provider.
    """

    consensus: Consensus
    statements: list[Statement]
    alike: Alike | None = None
    to_provider: bool = False

    @property
    def tlp(self) -> Tlp:
        """Return the narrowest level of the statements, which also applies to their consensus."""
        if self.alike is not None:
            return self.alike.tlp
        is_narrow = self.to_provider or self.consensus.holder_status is HolderStatus.COERCED
        spared = [Tlp.AMBER_STRICT] if is_narrow else []
        return marking.narrowest([*spared, *(statement.tlp for statement in self.statements)]) or Tlp.RED

    @property
    def onward(self) -> bool:
        """Return whether readers may pass it on."""
        return self.limits is None or self.limits.onward

    @property
    def limits(self) -> Sharing | None:
        """Return the limits that its readers have to observe, None for none.

        Reports with limits of their own are only in private collections. A list of partners would name other readers:
        instead nobody may pass the listing on.
        """
        if self.alike is not None:
            return self.alike.limits
        if self.to_provider:
            return _NOT_ONWARD
        return _joined([statement.report.sharing for statement in self.statements if statement.report.sharing])

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


_NOT_ONWARD = Sharing(onward=False)


def _joined(limits: Sequence[Sharing]) -> Sharing | None:
    """Return limits that observe all of these; if no reader could observe them together, nobody may pass it on."""
    if not limits:
        return None
    named: dict[str, Any] = {}
    for name in ("only_partner_kinds", "only_countries", "purposes"):
        lists = [set(words) for one in limits if (words := getattr(one, name))]
        if lists and not (common := set[str].intersection(*lists)):
            return _NOT_ONWARD
        named[name] = tuple(sorted(common)) if lists else ()
    excluded = {country for one in limits for country in one.not_to_countries}
    onward = all(one.onward and not one.only_partners and not one.not_to_partners for one in limits)
    joined = Sharing(**named, not_to_countries=tuple(sorted(excluded)), onward=onward)
    return joined if joined.limited else None


class _Visible(NamedTuple):
    """The statements about a value that the readers of a collection see, and the other inputs of its consensus."""

    statements: list[Statement]
    sightings: list[SightingStatement]
    opinions: list[OpinionStatement]
    coerced: bool
    sign: bool
    answer: ProviderFinding | None = None


class DraftMaker:
    """Makes the drafts of many values at one moment.

    Collections whose readers see the same statements about a value share one draft. Reports of the same shape give the
    same consensus, except for the value and its times: most reports of a large contribution have the same shape.
    """

    def __init__(self, at: datetime, alike: AlikeDrafts) -> None:
        """Make the drafts of listings as of ``at``; ``alike`` are the common parts of earlier drafts."""
        self._at = at
        self._last: tuple[ReportedValue, _Visible, Draft] | None = None
        self._alike = alike

    def draft(self, value: ReportedValue, is_visible: Callable[[Audience], bool]) -> Draft | None:
        """Return the listing made of the visible statements, None if there is none."""
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

    def draft_for_provider(
        self, value: ReportedValue, provider: Partner, withheld: Sequence[Statement]
    ) -> Draft | None:
        """Return the listing for the value's provider, from all reports except those ``withheld`` from it.

        There is none if only the provider itself reports the value. It has kinds and numbers, and no reporter's
        wording.
        """
        hidden = {statement.key for statement in withheld}
        statements = [statement for statement in value.statements if statement.key not in hidden]
        if all(statement.partner.counts_as == provider.counts_as for statement in statements):
            return None
        fused = fuse_all(
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
        return Draft(case_numbers.without_personal_numbers(fused), statements, to_provider=True)

    def _draft(self, visible: _Visible) -> Draft:
        statements = visible.statements
        if not _are_usual(visible):
            return Draft(self._fused(visible), statements)
        shapes = [_shape_of(statement) for statement in statements]
        # The details of several reporters are joined, so a value with details is unique.
        if len(shapes) > 1 and not _are_independent(statements):
            return Draft(self._fused(visible), statements)
        shape = (visible.coerced, visible.sign, *shapes)
        alike = self._alike.get(shape)
        if alike is None:
            draft = Draft(self._fused(visible), statements)
            alike = Alike(tuple(draft.consensus)[_REST], draft.tlp, draft.limits)
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
        fused = fuse_all(statements, sightings, opinions, coerced=coerced, sign=sign, answer=answer, at=self._at)
        return case_numbers.without_personal_numbers(fused)


def _visible(value: ReportedValue, statements: list[Statement], is_visible: Callable[[Audience], bool]) -> _Visible:
    """Return the visible part of a value; while it is disputed, opinions are not counted again."""
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
    """Return whether a consensus depends only on reports of this hub; a hold among them counts until its own end."""
    if visible.sightings or visible.opinions or visible.answer:
        return False
    return all(
        statement.report.hold is None and not statement.hub and not statement.second_hand
        for statement in visible.statements
    )


def _are_independent(statements: Sequence[Statement]) -> bool:
    """Return whether all statements use one name for the value, and each organisation speaks for itself."""
    value = statements[0].report.value
    if any(
        statement.report.value != value or statement.report.details or statement.sources for statement in statements
    ):
        return False
    return len({statement.partner.counts_as for statement in statements}) == len(statements)


def _shape_of(statement: Statement) -> tuple[Any, ...]:
    """Return all that a consensus takes from a statement, except the value and the times."""
    return (
        _shape(statement.report),
        statement.partner.kind,
        grade.has_authority(statement.partner, statement.report),
        statement.tlp,
        statement.reliability,
        statement.origins,
        statement.new,
        certainty.is_limited(statement),
    )
