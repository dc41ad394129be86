"""The listings of a value: one consensus in each collection, updated when partners' statements change."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any, NamedTuple

from mappers import consensus, extension, marking
from schemas import kinds, timestamp
from schemas.consensus import Consensus
from schemas.vocabulary import HolderStatus, Tlp
from server.release.context import ReleaseContext
from server.release.fuse import grade
from server.release.fuse.consensus import fuse
from server.release.fuse.statements import ReportedValue, Statement
from server.release.guard.personal_data import case_numbers
from server.release.publish.changes import changes_what_a_reader_does
from server.release.publish.collections import Publication
from server.release.route import audience
from server.release.route.audience import Audience
from server.release.route.policy import ConsensusFacts, ReportFacts
from server.store.listings import ListingId

Obj = Mapping[str, Any]

_MILLISECOND = timedelta(milliseconds=1)


@dataclass
class ListingState:
    """The listings of a value after an update: the id by the collection that lists it.

    ``shared`` is the id in the shared collections, empty where none lists it. ``entered`` and ``left`` are collections
    that did not list it before, or do no longer; ``updated``: the listing changed in one that did. ``reports`` has the
    audience of each partner's own report, by the partner's name.
    """

    ids: dict[str, str] = field(default_factory=dict)
    shared: str = ""
    entered: set[str] = field(default_factory=set)
    left: set[str] = field(default_factory=set)
    updated: bool = False
    reports: dict[str, Audience] = field(default_factory=dict)


def is_published(context: ReleaseContext, state: ListingState, audience_: Audience) -> bool:
    """Return whether a collection of that audience lists the value."""
    return any(alias in audience_.shared or context.private_reader(alias) in audience_.private for alias in state.ids)


class _Draft(NamedTuple):
    """The listing that a collection is to have: the consensus, and the statements that it is made of."""

    consensus: Consensus
    statements: list[Statement]

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
    def sources(self) -> list[ReportFacts]:
        """Return the facts that policy rules ask about each report."""
        return [
            ReportFacts(statement.report.kind, statement.tlp, statement.partner.kind) for statement in self.statements
        ]


class ListingUpdater:
    """Updates the listings of values when their statements, or the rules, have changed.

    A track is the shared collections together, "", or one private collection, by its owner's name. All shared
    collections list a value under one id, so that a reader of several has it once. Each private collection has ids of
    its own, which tell nothing to anybody else.
    """

    def __init__(self, context: ReleaseContext, publication: Publication) -> None:
        """Update the listings that ``publication`` has loaded, at the moment of ``context``."""
        self._context = context
        self._publication = publication
        # Values of coerced holders that are published without anybody to turn to for the holder's protection.
        self.unprotected: set[str] = set()

    def update(self, values: Iterable[ReportedValue]) -> dict[str, ListingState]:
        """Update the listings of these values and return the state of each, by subject."""
        return {value.subject: self._update(value) for value in values}

    def facts(self, value: ReportedValue, alias: str) -> ConsensusFacts | None:
        """Return the facts of the listing that a shared collection would have, whether or not its rules admit it."""
        draft = self._draft(value, partial(_is_shared_in, alias))
        return draft.facts if draft else None

    def _update(self, value: ReportedValue) -> ListingState:
        state = ListingState(reports={statement.partner.name: statement.audience for statement in value.statements})
        self._update_track(value, state, "", self._shared_drafts(value))
        for name in sorted(self._private_readers(value)):
            draft = self._draft(value, partial(self._is_visible_to, name))
            admitted = draft is not None and self._admits(name, draft)
            wanted = {self._context.private_collection(name): draft} if draft and admitted else {}
            self._update_track(value, state, name, wanted)
        return state

    def _update_track(self, value: ReportedValue, state: ListingState, track: str, wanted: dict[str, _Draft]) -> None:
        """Bring one track to the drafts ``wanted`` in it, the collection with most readers first."""
        listed = value.listed.get(track, [])
        id_ = next((listing for listing in reversed(listed) if self._published(listing, track)), "")
        current = self._published(id_, track)
        moments = [_next_version(obj) for obj in current.values()]
        wanted = _by_one_name(wanted)
        for alias, duplicate in self._duplicates(listed, id_, track):
            moments.append(self._revoke(alias, duplicate))
            state.left |= {alias} - wanted.keys()
        if self._needs_new_id(id_, current, wanted):
            leaving, current = set(current), {}
        else:
            leaving = current.keys() - wanted.keys()
        # A reader of several collections keeps the last modified version: the narrowest, and none that was revoked.
        moments += [self._revoke(alias, id_) for alias in leaving]
        state.left |= leaving - wanted.keys()
        if wanted:
            id_ = id_ if current else self._next_id(value, track)
            state.shared = state.shared if track else id_
            moved = bool(leaving - wanted.keys())
            self._enter(value, state, id_, current, wanted, max([self._context.at, *moments]), listed, moved=moved)

    def _enter(
        self,
        value: ReportedValue,
        state: ListingState,
        id_: str,
        current: Mapping[str, Obj],
        wanted: Mapping[str, _Draft],
        moment: datetime,
        listed: list[str],
        *,
        moved: bool,
    ) -> None:
        """Publish the drafts that change what a reader does, and from the first of them (``moved``) all that follow."""
        for alias, draft in wanted.items():
            before = current.get(alias)
            created = before["created"] if before else timestamp.text(self._context.at)
            obj = self._to_stix(draft, id_, created, moment, self._times_listed(listed, alias, id_))
            state.ids[alias] = id_
            if before and not moved and not changes_what_a_reader_does(before, obj):
                continue
            basis = consensus.basis(obj, draft.consensus)
            self._publication.enter(alias, obj, draft.tlp, basis=basis, subject=value.subject)
            coerced = draft.consensus.holder_status is HolderStatus.COERCED
            if coerced and "referral" not in extension.context_of(obj):
                self.unprotected.add(value.subject)
            state.updated |= before is not None
            state.entered |= set() if before else {alias}
            moved = True
            moment += _MILLISECOND

    def _published(self, id_: str, track: str) -> dict[str, Obj]:
        """Return the listings of that id that are not revoked, by the collection of the track."""
        published = self._publication.published(id_) if id_ else {}
        return {alias: obj for alias, obj in published.items() if self._context.track(alias) == track}

    def _duplicates(self, listed: list[str], id_: str, track: str) -> list[tuple[str, str]]:
        """Return the collection and id of each listing of a track beside the one of ``id_``."""
        others = (listing for listing in listed if listing != id_)
        return [(alias, other) for other in others for alias in self._published(other, track)]

    def _needs_new_id(self, id_: str, current: Mapping[str, Obj], wanted: Mapping[str, _Draft]) -> bool:
        """Return whether the value needs a new id: it has another name, or a collection had this id revoked."""
        was_revoked = any(alias not in current and self._publication.latest_in(alias, id_) for alias in wanted)
        return was_revoked or _is_renamed(current, wanted)

    def _next_id(self, value: ReportedValue, track: str) -> str:
        """Return the next id of a track: a revoked listing never comes back under its id."""
        number = len(value.listed.get(track, ()))
        id_ = self._context.listing_id(value.subject, track, number)
        self._publication.add_listing(ListingId(value.subject, track, number, id_))
        return id_

    def _times_listed(self, listed: list[str], alias: str, id_: str) -> int:
        """Return how often a collection listed the value before, under other ids."""
        return sum(1 for listing in listed if listing != id_ and self._publication.latest_in(alias, listing))

    def _revoke(self, alias: str, id_: str) -> datetime:
        return _next_version(self._publication.revoke(alias, id_))

    def _shared_drafts(self, value: ReportedValue) -> dict[str, _Draft]:
        """Return the listing of each shared collection, made of nothing but the statements visible there."""
        drafts: dict[str, _Draft] = {}
        aliases = frozenset[str]().union(*(statement.audience.shared for statement in value.statements))
        if not aliases:
            return drafts
        for alias in self._context.shared:
            if alias in aliases:
                draft = self._draft(value, partial(_is_shared_in, alias))
                if draft and self._context.policy.admits(alias, draft.facts, draft.sources):
                    drafts[alias] = draft
        return drafts

    def _private_readers(self, value: ReportedValue) -> set[str]:
        """Return the partners whose private collections may list the value, or do.

        A partner whose private collection has it already keeps it there: a reader by value would take its end in that
        collection for the end of the value.
        """
        named = {name for statement in value.statements for name in statement.audience.private}
        listed = {
            self._context.private_reader(alias) or ""
            for id_ in value.listings
            for alias in self._publication.published(id_)
        }
        return named | listed & self._context.registry.partners.keys()

    def _is_visible_to(self, name: str, audience_: Audience) -> bool:
        return name in audience_.private or not self._context.readable(name).isdisjoint(audience_.shared)

    def _admits(self, name: str, draft: _Draft) -> bool:
        """Return whether a private collection takes the draft: by its reports' limits, or as a shared one would."""
        registry, policy = self._context.registry, self._context.policy
        audiences = [statement.audience for statement in draft.statements]
        shared = frozenset(alias for audience_ in audiences for alias in audience_.shared)
        readable = shared & self._context.readable(name)
        return any(policy.admits(alias, draft.facts, draft.sources) for alias in readable) or (
            audience.admits_privately(name, audiences, draft.facts, draft.sources, registry, policy)
        )

    def _draft(self, value: ReportedValue, is_visible: Callable[[Audience], bool]) -> _Draft | None:
        """Return the listing made of the statements that are visible, None where there is none."""
        statements = [statement for statement in value.statements if is_visible(statement.audience)]
        if value.disputed:
            # A hold by a partner with authority ends at its own time, or when that partner revokes it.
            statements = [statement for statement in statements if grade.is_live_hold(statement, self._context.at)]
        if not statements:
            return None
        opinions = [] if value.disputed else value.opinions
        fused = fuse(
            statements,
            [sighting for sighting in value.sightings if sighting.counts and is_visible(sighting.audience)],
            [opinion for opinion in opinions if is_visible(opinion.audience)],
            coerced=value.coerced,
            sign=bool(value.signs),
            at=self._context.at,
        )
        return _Draft(case_numbers.without_personal_numbers(fused), statements)

    def _to_stix(self, draft: _Draft, id_: str, created: str, modified: datetime, seq: int) -> dict[str, Any]:
        fused = draft.consensus
        if fused.origins and any(not statement.origins for statement in draft.statements):
            # It repeats others' reports, and is the original of those that were first sent here.
            fused = fused._replace(origins=tuple(sorted({*fused.origins, id_})))
        coerced = fused.holder_status is HolderStatus.COERCED
        obj = consensus.to_stix(
            fused,
            id_,
            self._context.identity.identity,
            created=created,
            modified=timestamp.text(modified),
            tlp=draft.tlp,
            seq=seq,
            referral=self._context.referral(fused.countries) if coerced else None,
        )
        if not draft.onward:
            properties = {**obj["extensions"][extension.ID], "sharing": {"onward": False}}
            obj["extensions"] = {**obj["extensions"], extension.ID: properties}
        return obj


def _is_shared_in(alias: str, audience_: Audience) -> bool:
    return alias in audience_.shared


def _next_version(obj: Obj) -> datetime:
    """Return the first moment after the version of an object."""
    return timestamp.parse(obj["modified"]) + _MILLISECOND


def _by_one_name(drafts: dict[str, _Draft]) -> dict[str, _Draft]:
    """Return the drafts of one track under one name of the value: one that all of its collections may know."""
    if len({draft.consensus.value for draft in drafts.values()}) <= 1:
        return drafts
    named = {}
    for alias, draft in drafts.items():
        fused = draft.consensus
        named[alias] = draft._replace(consensus=fused._replace(value=kinds.get(fused.kind).key(fused.value)))
    return named


def _is_renamed(current: Mapping[str, Obj], wanted: Mapping[str, _Draft]) -> bool:
    """Return whether the listings name the value otherwise than the drafts do."""
    if not current or not wanted:
        return False
    fused = next(iter(wanted.values())).consensus
    return {obj["pattern"] for obj in current.values()} != {consensus.pattern_by_name(fused)}
