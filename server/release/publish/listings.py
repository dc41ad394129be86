"""The listings of a value: one consensus in each collection, updated when partners' statements change."""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any, NamedTuple

import orjson

from mappers import consensus, extension
from mappers.consensus import ListingFrame
from mappers.pattern import Terms
from schemas import kinds, timestamp
from schemas.report import Consensus
from schemas.vocabulary import Action, HolderStatus, Tlp
from server.release.context import ReleaseContext
from server.release.fuse.statements import ReportedValue, Statement, withheld_id
from server.release.publish.changes import changes_what_a_reader_does
from server.release.publish.collections import Publication
from server.release.publish.drafts import Draft, DraftMaker
from server.release.route import audience
from server.release.route.audience import Audience
from server.release.route.policy import ConsensusFacts
from server.release.route.providers import excludes
from server.store import listings, reviews

Obj = Mapping[str, Any]

_MILLISECOND = timedelta(milliseconds=1)
_SHARED_TRACK = frozenset({""})


@dataclass
class ListingState:
    """The listings of a value after an update: the id by the collection that lists it.

    ``shared`` is the id in the shared collections, empty if none lists it. ``entered`` are collections that did not
    list it before, ``left`` those that no longer do; ``updated``: the listing changed in a collection that already had
    it. ``reports`` has the audience of each partner's own report, by the partner's name. Collections of the value's
    providers are only in ``kept``: no other partner learns of these.
    """

    ids: dict[str, str] = field(default_factory=dict)
    shared: str = ""
    entered: set[str] = field(default_factory=set)
    left: set[str] = field(default_factory=set)
    updated: bool = False
    reports: dict[str, Audience] = field(default_factory=dict)
    kept: "list[KeptListing]" = field(default_factory=list)


class KeptListing(NamedTuple):
    """The state of a value in its provider's collection.

    ``withheld`` are the reports whose contributors exclude the provider, except those that the operator released to it.
    """

    provider: str
    state: ListingState
    withheld: Sequence[Statement] = ()


class PlannedListings(NamedTuple):
    """The grades of the planned listings of a value: by shared collection, and by partner for private ones."""

    shared: Mapping[str, Action]
    private: Mapping[str, Action]


def is_published(context: ReleaseContext, state: ListingState, audience_: Audience) -> bool:
    """Return whether a collection of that audience lists the value."""
    return any(alias in audience_.shared or context.private_reader(alias) in audience_.private for alias in state.ids)


class ListingUpdater:
    """Updates the listings of values when their statements, or the rules, have changed.

    A track is "" for the shared collections together, or one private collection: its owner's name, or for a provider's
    collection the name that ``server.store.listings`` gives it. All shared collections list a value under one id, so
    that a reader of several has it once. Each private collection has its own ids, which reveal nothing to others.
    """

    def __init__(self, context: ReleaseContext, publication: Publication, *, reports_only: bool = False) -> None:
        """Update the listings that ``publication`` has loaded, at the moment of ``context``.

        ``reports_only``: the transaction has no other objects that could be about one of the new listings.
        """
        self._reports_only = reports_only
        self._context = context
        self._publication = publication
        self._drafts = DraftMaker(context.at, context.alike_drafts)
        self._now = timestamp.text(context.at)
        # Published values of coerced holders without a registered contact for protection.
        self.unprotected: set[str] = set()

    def update(self, values: Iterable[ReportedValue]) -> dict[str, ListingState]:
        """Update the listings of these values and return the state of each, by subject."""
        return {value.subject: self._update(value) for value in values}

    def facts(self, value: ReportedValue, alias: str) -> ConsensusFacts | None:
        """Return the facts of the listing that a shared collection would have, whether or not its rules admit it."""
        draft = self._drafts.draft(value, partial(_is_shared_in, alias))
        return draft.facts if draft else None

    def planned(self, value: ReportedValue) -> "PlannedListings":
        """Return the listings of a value that the rules call for; nothing is changed."""
        private = {name: self._private_draft(value, name) for name in sorted(self._private_readers(value))}
        return PlannedListings(
            {alias: draft.facts.grade for alias, draft in self._shared_drafts(value).items()},
            {name: draft.facts.grade for name, draft in private.items() if draft},
        )

    def _private_draft(self, value: ReportedValue, name: str) -> Draft | None:
        """Return the listing for a partner's private collection, None if there is to be none."""
        draft = self._drafts.draft(value, partial(self._is_visible_to, name))
        return draft if draft is not None and self._admits(name, draft) else None

    def _update(self, value: ReportedValue) -> ListingState:
        state = ListingState(reports={statement.partner.name: statement.audience for statement in value.statements})
        providers = self._context.providers.of(value.subject)
        is_frozen = self._context.is_frozen(value.subject)
        plain = self._reports_only and _is_plain(value) and not providers and not is_frozen
        if plain and self._list_first(value, state):
            return state
        shared = self._shared_drafts(value)
        self._update_track(value, state, "", self._listed_already(value, shared) if is_frozen else shared)
        for name in sorted(self._private_readers(value)):
            draft = self._private_draft(value, name)
            wanted = {self._context.private_collection(name): draft} if draft else {}
            self._update_track(value, state, name, self._listed_already(value, wanted) if is_frozen else wanted)
        # Most values are, and were, only in the shared collections.
        if providers or value.listed.keys() - _SHARED_TRACK:
            self._update_kept(value, state, providers)
        return state

    def _listed_already(self, value: ReportedValue, wanted: Mapping[str, Draft]) -> dict[str, Draft]:
        """Return the drafts for collections that list a value now: while it is frozen, no further one may list it."""
        listed = {alias for id_ in value.listings for alias in self._publication.published(id_)}
        return {alias: draft for alias, draft in wanted.items() if alias in listed}

    def _update_kept(self, value: ReportedValue, state: ListingState, providers: Set[str]) -> None:
        """Update the listings for the value's providers, and for present partners that were its providers before."""
        partners = self._context.registry.partners
        kept_before = (listings.provider_of_track(track) for track in value.listed)
        before = {name for name in kept_before if name is not None and name in partners}
        for name in sorted(providers | before):
            withheld: list[Statement] = []
            draft = None
            if name in providers:
                withheld = self._withheld_from(name, value)
                draft = self._drafts.draft_for_provider(value, partners[name], withheld)
            kept = KeptListing(name, ListingState(), withheld)
            wanted = {self._context.private_collection(name, "accounts"): draft} if draft else {}
            self._update_track(value, kept.state, listings.track_of_provider(name), wanted)
            state.kept.append(kept)

    def _withheld_from(self, provider: str, value: ReportedValue) -> list[Statement]:
        """Return the reports that exclude the provider, except those that the operator released to it."""
        registry = self._context.registry
        named = [report for report in value.statements if excludes(report.report.sharing, provider, registry)]
        decided = reviews.states(self._context.tx, [withheld_id(report.key) for report in named]) if named else {}
        told = {id_ for id_, review in decided.items() if review.state == "approved"}
        return [report for report in named if withheld_id(report.key) not in told]

    def _list_first(self, value: ReportedValue, state: ListingState) -> bool:
        """List a value in all shared collections as one like an earlier one; return whether this was possible."""
        draft = self._drafts.draft(value, _is_shared)
        if draft is None or draft.alike is None or not draft.onward or draft.consensus.origins:
            return False
        shared = value.statements[0].audience.shared
        admitted = [alias for alias in self._context.shared if alias in shared and self._is_admitted(alias, draft)]
        if not admitted:
            return True
        now, id_, moment = self._now, self._next_id(value, ""), self._context.at
        for alias in admitted:
            modified = now if moment is self._context.at else timestamp.text(moment)
            written = self._write(draft, id_, now, modified, 0)
            if consensus.texts_of(written.frame, written.obj, written.consensus):
                return False
            objects = (written.obj, *consensus.basis_of(written.obj, written.consensus, written.terms))
            bodies = [(obj["id"], orjson.dumps(obj)) for obj in objects]
            self._publication.enter_first(alias, bodies, draft.tlp, value.subject, now, modified)
            state.shared = id_
            state.ids[alias] = id_
            state.entered.add(alias)
            moment += _MILLISECOND
        return True

    def _update_track(self, value: ReportedValue, state: ListingState, track: str, wanted: dict[str, Draft]) -> None:
        """Update one track to the drafts ``wanted`` in it, starting with the collection that has most readers."""
        listed = value.listed.get(track, [])
        if not listed:
            if wanted:
                id_ = self._next_id(value, track)
                state.shared = state.shared if track else id_
                self._enter(value, state, id_, {}, _by_one_name(wanted), self._context.at, listed, moved=False)
            return
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
        # A reader of several collections keeps the version modified last: the narrowest, and never a revoked one.
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
        wanted: Mapping[str, Draft],
        moment: datetime,
        listed: list[str],
        *,
        moved: bool,
    ) -> None:
        """Publish the drafts that change what a reader does; from the first of them on (``moved``), publish all."""
        for alias, draft in wanted.items():
            before = current.get(alias)
            created = before["created"] if before else self._now
            seq = self._times_listed(listed, alias, id_) if listed else 0
            modified = self._now if moment is self._context.at else timestamp.text(moment)
            written = self._write(draft, id_, created, modified, seq)
            obj = written.obj
            state.ids[alias] = id_
            if before and not moved and not changes_what_a_reader_does(before, obj):
                continue
            # The observable and the relationship were added with the first version.
            basis = None if before else consensus.basis_of(obj, written.consensus, written.terms)
            texts = consensus.texts_of(written.frame, obj, written.consensus)
            self._publication.enter(
                alias,
                obj,
                written.tlp,
                basis=basis,
                texts=texts,
                subject=value.subject,
                is_like_reports="external_references" not in obj and not any(own.hub for own in draft.statements),
            )
            coerced = draft.consensus.holder_status is HolderStatus.COERCED and not draft.to_provider
            if coerced and "referral" not in extension.context_of(obj):
                self.unprotected.add(value.subject)
            if before:
                state.updated = True
            else:
                state.entered.add(alias)
            moved = True
            moment += _MILLISECOND

    def _published(self, id_: str, track: str) -> dict[str, Obj]:
        """Return the listings with that id that are not revoked, by the collection of the track."""
        published = self._publication.published(id_) if id_ else {}
        return {alias: obj for alias, obj in published.items() if self._context.track(alias) == track}

    def _duplicates(self, listed: list[str], id_: str, track: str) -> list[tuple[str, str]]:
        """Return the collection and id of each listing of a track other than ``id_``."""
        others = (listing for listing in listed if listing != id_)
        return [(alias, other) for other in others for alias in self._published(other, track)]

    def _needs_new_id(self, id_: str, current: Mapping[str, Obj], wanted: Mapping[str, Draft]) -> bool:
        """Return whether the value needs a new id: its name changed, or a collection has revoked this id."""
        was_revoked = any(alias not in current and self._publication.latest_in(alias, id_) for alias in wanted)
        return was_revoked or _is_renamed(current, wanted)

    def _next_id(self, value: ReportedValue, track: str) -> str:
        """Return the next id of a track: a revoked listing never returns under its id."""
        number = len(value.listed.get(track, ()))
        return self._context.listing_id(value.subject, track, number)

    def _times_listed(self, listed: list[str], alias: str, id_: str) -> int:
        """Return how often a collection listed the value before, under other ids."""
        return sum(1 for listing in listed if listing != id_ and self._publication.latest_in(alias, listing))

    def _revoke(self, alias: str, id_: str) -> datetime:
        return _next_version(self._publication.revoke(alias, id_))

    def _shared_drafts(self, value: ReportedValue) -> dict[str, Draft]:
        """Return the listing for each shared collection, made only of the statements visible there."""
        drafts: dict[str, Draft] = {}
        aliases = frozenset[str]().union(*(statement.audience.shared for statement in value.statements))
        if not aliases:
            return drafts
        for alias in self._context.shared:
            if alias in aliases:
                draft = self._drafts.draft(value, partial(_is_shared_in, alias))
                if draft and self._is_admitted(alias, draft):
                    drafts[alias] = draft
        return drafts

    def _is_admitted(self, alias: str, draft: Draft) -> bool:
        """Return whether the policy admits a draft to a shared collection."""
        if draft.alike is None:
            return self._context.policy.admits(alias, draft.facts, draft.sources)
        known = draft.alike.admitted.get(alias)
        if known is None:
            known = self._context.policy.admits(alias, draft.facts, draft.sources)
            draft.alike.admitted[alias] = known
        return known

    def _private_readers(self, value: ReportedValue) -> set[str]:
        """Return the partners whose private collections may list the value, or list it now.

        A value already in a private collection stays there: a reader that tracks it by value would take its end there
        for the end of the value.
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

    def _admits(self, name: str, draft: Draft) -> bool:
        """Return whether a private collection takes the draft: by its reports' limits, or as a shared one would."""
        registry, policy = self._context.registry, self._context.policy
        audiences = [statement.audience for statement in draft.statements]
        shared = frozenset(alias for audience_ in audiences for alias in audience_.shared)
        readable = shared & self._context.readable(name)
        return any(policy.admits(alias, draft.facts, draft.sources) for alias in readable) or (
            audience.admits_privately(name, audiences, draft.facts, draft.sources, registry, policy)
        )

    def _write(self, draft: Draft, id_: str, created: str, modified: str, seq: int) -> "_Written":
        """Return a draft as STIX; ``seq`` counts the listings before it."""
        fused, tlp = draft.consensus, draft.tlp
        alike = draft.alike
        if fused.origins and any(not statement.origins for statement in draft.statements):
            # It repeats others' reports, and is the original of those that were first sent to this hub.
            fused = fused._replace(origins=tuple(sorted({*fused.origins, id_})))
            alike = None
        coerced = fused.holder_status is HolderStatus.COERCED
        terms = consensus.terms_of(fused)
        frame = alike.frames.get(terms.type) if alike and not seq and not coerced else None
        if frame is None:
            referral = self._context.referral(fused.kind, fused.value, fused.countries) if coerced else None
            frame = consensus.frame_of(fused, terms.type, self._context.identity.identity, tlp, referral, seq)
            if alike and not seq and not coerced:
                alike.frames[terms.type] = frame
        obj = consensus.fill(frame, fused, terms, id_, created, modified)
        more: dict[str, Any] = {"hubs": fused.hubs} if self._context.peers else {}
        if limits := extension.write_sharing(draft.limits):
            more["sharing"] = limits
        if more:
            obj["extensions"] = {**obj["extensions"], extension.ID: {**obj["extensions"][extension.ID], **more}}
        return _Written(obj, fused, tlp, frame, terms)


class _Written(NamedTuple):
    """A draft as STIX, and the other results made from the same parts."""

    obj: dict[str, Any]
    consensus: Consensus
    tlp: Tlp
    frame: ListingFrame
    terms: Terms


def _is_plain(value: ReportedValue) -> bool:
    """Return whether the only statement ever made about a value is one partner's report for all, without coercion."""
    if value.listed or not value.is_one_report:
        return False
    [statement] = value.statements
    return not (
        value.coerced or value.signs or statement.audience.private or statement.report.hold or statement.origins
    )


def _is_shared(audience_: Audience) -> bool:
    return bool(audience_.shared)


def _is_shared_in(alias: str, audience_: Audience) -> bool:
    return alias in audience_.shared


def _next_version(obj: Obj) -> datetime:
    """Return the first moment after the version of an object."""
    return timestamp.parse(obj["modified"]) + _MILLISECOND


def _by_one_name(drafts: dict[str, Draft]) -> dict[str, Draft]:
    """Return the drafts of one track under one name of the value, which all of its collections may know."""
    if len({draft.consensus.value for draft in drafts.values()}) <= 1:
        return drafts
    named = {}
    for alias, draft in drafts.items():
        fused = draft.consensus
        named[alias] = draft._replace(consensus=fused._replace(value=kinds.get(fused.kind).key(fused.value)))
    return named


def _is_renamed(current: Mapping[str, Obj], wanted: Mapping[str, Draft]) -> bool:
    """Return whether the listings name the value differently from the drafts."""
    if not current or not wanted:
        return False
    fused = next(iter(wanted.values())).consensus
    return {obj["pattern"] for obj in current.values()} != {consensus.pattern_by_name(fused)}
