"""The listings of a value: one consensus in each collection, updated when partners' statements change."""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any, NamedTuple

from mappers import consensus, extension, kinds as mappers_of_kinds
from mappers.consensus import ListingFrame
from mappers.pattern import Terms
from mappers.templates import ListingTemplate
from schemas import kinds, timestamp
from schemas.consensus import Consensus
from schemas.vocabulary import Action, HolderStatus, Tlp
from server.release.context import ReleaseContext
from server.release.fuse.statements import ReportedValue, Statement, withheld_id
from server.release.publish.changes import changes_what_a_reader_does
from server.release.publish.collections import Publication
from server.release.publish.drafts import Draft, DraftMaker
from server.release.route import audience
from server.release.route.audience import Audience
from server.release.route.keepers import excludes
from server.release.route.policy import ConsensusFacts
from server.store import listings, reviews

Obj = Mapping[str, Any]

_MILLISECOND = timedelta(milliseconds=1)
_SHARED_TRACK = frozenset({""})
# Of the listing that a template is cut from.
_EXAMPLE_ID = "indicator--00000000-0000-4000-8000-000000000000"


@dataclass
class ListingState:
    """The listings of a value after an update: the id by the collection that lists it.

    ``shared`` is the id in the shared collections, empty where none lists it. ``entered`` and ``left`` are collections
    that did not list it before, or do no longer; ``updated``: the listing changed in one that did. ``reports`` has the
    audience of each partner's own report, by the partner's name. The collections of those that keep the value are in
    ``kept`` alone: nobody else learns anything of these.
    """

    ids: dict[str, str] = field(default_factory=dict)
    shared: str = ""
    entered: set[str] = field(default_factory=set)
    left: set[str] = field(default_factory=set)
    updated: bool = False
    reports: dict[str, Audience] = field(default_factory=dict)
    kept: "list[KeptListing]" = field(default_factory=list)


class KeptListing(NamedTuple):
    """The state of a value in the collection of a partner that keeps it.

    ``withheld`` are the reports whose contributors name that partner not to be told, unless the operator decided
    otherwise.
    """

    keeper: str
    state: ListingState
    withheld: Sequence[Statement] = ()


class PlannedListings(NamedTuple):
    """The grades of the listings that a value is to have: by shared collection, and by partner of private ones."""

    shared: Mapping[str, Action]
    private: Mapping[str, Action]


def is_published(context: ReleaseContext, state: ListingState, audience_: Audience) -> bool:
    """Return whether a collection of that audience lists the value."""
    return any(alias in audience_.shared or context.private_reader(alias) in audience_.private for alias in state.ids)


class ListingUpdater:
    """Updates the listings of values when their statements, or the rules, have changed.

    A track is the shared collections together, "", or one private collection: by its owner's name, or as
    ``server.store.listings`` names that of a keeper. All shared
    collections list a value under one id, so that a reader of several has it once. Each private collection has ids of
    its own, which tell nothing to anybody else.
    """

    def __init__(self, context: ReleaseContext, publication: Publication, *, reports_only: bool = False) -> None:
        """Update the listings that ``publication`` has loaded, at the moment of ``context``.

        ``reports_only``: nothing that comes with them can be about one of the listings that are made now.
        """
        self._reports_only = reports_only
        self._context = context
        self._publication = publication
        self._drafts = DraftMaker(context.at, context.alike_drafts)
        self._now = timestamp.text(context.at)
        # Values of coerced holders that are published without anybody to turn to for the holder's protection.
        self.unprotected: set[str] = set()

    def update(self, values: Iterable[ReportedValue]) -> dict[str, ListingState]:
        """Update the listings of these values and return the state of each, by subject."""
        return {value.subject: self._update(value) for value in values}

    def facts(self, value: ReportedValue, alias: str) -> ConsensusFacts | None:
        """Return the facts of the listing that a shared collection would have, whether or not its rules admit it."""
        draft = self._drafts.draft(value, partial(_is_shared_in, alias))
        return draft.facts if draft else None

    def planned(self, value: ReportedValue) -> "PlannedListings":
        """Return the listings that the rules want of a value; nothing is changed."""
        private = {name: self._private_draft(value, name) for name in sorted(self._private_readers(value))}
        return PlannedListings(
            {alias: draft.facts.grade for alias, draft in self._shared_drafts(value).items()},
            {name: draft.facts.grade for name, draft in private.items() if draft},
        )

    def _private_draft(self, value: ReportedValue, name: str) -> Draft | None:
        """Return the listing of the private collection of a partner, None where there is to be none."""
        draft = self._drafts.draft(value, partial(self._is_visible_to, name))
        return draft if draft is not None and self._admits(name, draft) else None

    def _update(self, value: ReportedValue) -> ListingState:
        state = ListingState(reports={statement.partner.name: statement.audience for statement in value.statements})
        keepers = self._context.keepers.of(value.subject)
        plain = self._reports_only and _is_plain(value) and not keepers
        if plain and self._list_by_template(value, state):
            return state
        self._update_track(value, state, "", self._shared_drafts(value))
        for name in sorted(self._private_readers(value)):
            draft = self._private_draft(value, name)
            wanted = {self._context.private_collection(name): draft} if draft else {}
            self._update_track(value, state, name, wanted)
        # Mostly a value is, or was, in the shared collections alone.
        if keepers or value.listed.keys() - _SHARED_TRACK:
            self._update_kept(value, state, keepers)
        return state

    def _update_kept(self, value: ReportedValue, state: ListingState, keepers: Set[str]) -> None:
        """Update the listings of those that keep the value, and of present partners that kept it before."""
        partners = self._context.registry.partners
        kept_before = (listings.keeper_of_track(track) for track in value.listed)
        before = {name for name in kept_before if name is not None and name in partners}
        for name in sorted(keepers | before):
            withheld: list[Statement] = []
            draft = None
            if name in keepers:
                withheld = self._withheld_from(name, value)
                draft = self._drafts.draft_for_keeper(value, partners[name], withheld)
            kept = KeptListing(name, ListingState(), withheld)
            wanted = {self._context.private_collection(name, "accounts"): draft} if draft else {}
            self._update_track(value, kept.state, listings.track_of_keeper(name), wanted)
            state.kept.append(kept)

    def _withheld_from(self, keeper: str, value: ReportedValue) -> list[Statement]:
        """Return the reports that name the keeper not to be told, but for those of which the operator decided so."""
        registry = self._context.registry
        named = [report for report in value.statements if excludes(report.report.sharing, keeper, registry)]
        decided = reviews.states(self._context.tx, [withheld_id(report.key) for report in named]) if named else {}
        told = {id_ for id_, review in decided.items() if review.state == "approved"}
        return [report for report in named if withheld_id(report.key) not in told]

    def _list_by_template(self, value: ReportedValue, state: ListingState) -> bool:
        """List a value as one like it was listed before, in all shared collections; return whether that can be done."""
        draft = self._drafts.draft(value, _is_shared)
        if draft is None or draft.alike is None or not draft.onward or draft.consensus.origins:
            return False
        shared = value.statements[0].audience.shared
        admitted = [alias for alias in self._context.shared if alias in shared and self._is_admitted(alias, draft)]
        if not admitted:
            return True
        fused, now = draft.consensus, self._now
        terms = consensus.terms_of(fused)
        shape = (terms.type, bool(fused.details), fused.first_seen is None, fused.last_seen is None)
        if shape not in draft.alike.templates:
            draft.alike.templates[shape] = self._template(draft)
        template = draft.alike.templates[shape]
        if template is None:
            return False
        id_ = state.shared = self._next_id(value, "")
        moment = self._context.at
        for alias in admitted:
            modified = now if moment is self._context.at else timestamp.text(moment)
            written = template.fill(fused, terms, id_, now, modified)
            self._publication.enter_first(alias, written, draft.tlp, value.subject, now, modified)
            state.ids[alias] = id_
            state.entered.add(alias)
            moment += _MILLISECOND
        return True

    def _template(self, draft: Draft) -> ListingTemplate | None:
        """Return the template of first listings like this one, None where they differ in more than value and times."""
        written = self._write(draft, _EXAMPLE_ID, self._now, self._now, 0)
        if consensus.texts_of(written.frame, written.obj, written.consensus):
            return None
        around = consensus.basis_of(written.obj, written.consensus, written.terms)
        mapper = mappers_of_kinds.every()[draft.consensus.kind]
        return ListingTemplate([written.obj, *around], draft.consensus, mapper, written.terms)

    def _update_track(self, value: ReportedValue, state: ListingState, track: str, wanted: dict[str, Draft]) -> None:
        """Bring one track to the drafts ``wanted`` in it, the collection with most readers first."""
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
        wanted: Mapping[str, Draft],
        moment: datetime,
        listed: list[str],
        *,
        moved: bool,
    ) -> None:
        """Publish the drafts that change what a reader does, and from the first of them (``moved``) all that follow."""
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
            # The observable and the relationship have entered with the first version.
            basis = None if before else consensus.basis_of(obj, written.consensus, written.terms)
            texts = consensus.texts_of(written.frame, obj, written.consensus)
            self._publication.enter(alias, obj, written.tlp, basis=basis, texts=texts, subject=value.subject)
            coerced = draft.consensus.holder_status is HolderStatus.COERCED and not draft.to_keeper
            if coerced and "referral" not in extension.context_of(obj):
                self.unprotected.add(value.subject)
            if before:
                state.updated = True
            else:
                state.entered.add(alias)
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

    def _needs_new_id(self, id_: str, current: Mapping[str, Obj], wanted: Mapping[str, Draft]) -> bool:
        """Return whether the value needs a new id: it has another name, or a collection had this id revoked."""
        was_revoked = any(alias not in current and self._publication.latest_in(alias, id_) for alias in wanted)
        return was_revoked or _is_renamed(current, wanted)

    def _next_id(self, value: ReportedValue, track: str) -> str:
        """Return the next id of a track: a revoked listing never comes back under its id."""
        number = len(value.listed.get(track, ()))
        return self._context.listing_id(value.subject, track, number)

    def _times_listed(self, listed: list[str], alias: str, id_: str) -> int:
        """Return how often a collection listed the value before, under other ids."""
        return sum(1 for listing in listed if listing != id_ and self._publication.latest_in(alias, listing))

    def _revoke(self, alias: str, id_: str) -> datetime:
        return _next_version(self._publication.revoke(alias, id_))

    def _shared_drafts(self, value: ReportedValue) -> dict[str, Draft]:
        """Return the listing of each shared collection, made of nothing but the statements visible there."""
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
        """Return whether the policy lets a draft into a shared collection."""
        if draft.alike is None:
            return self._context.policy.admits(alias, draft.facts, draft.sources)
        known = draft.alike.admitted.get(alias)
        if known is None:
            known = self._context.policy.admits(alias, draft.facts, draft.sources)
            draft.alike.admitted[alias] = known
        return known

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
            # It repeats others' reports, and is the original of those that were first sent here.
            fused = fused._replace(origins=tuple(sorted({*fused.origins, id_})))
            alike = None
        coerced = fused.holder_status is HolderStatus.COERCED
        terms = consensus.terms_of(fused)
        frame = alike.frames.get(terms.type) if alike and not seq and not coerced else None
        if frame is None:
            referral = self._context.referral(fused.countries) if coerced else None
            frame = consensus.frame_of(fused, terms.type, self._context.identity.identity, tlp, referral, seq)
            if alike and not seq and not coerced:
                alike.frames[terms.type] = frame
        obj = consensus.fill(frame, fused, terms, id_, created, modified)
        if not draft.onward:
            properties = {**obj["extensions"][extension.ID], "sharing": {"onward": False}}
            obj["extensions"] = {**obj["extensions"], extension.ID: properties}
        return _Written(obj, fused, tlp, frame, terms)


class _Written(NamedTuple):
    """A draft as STIX, and what else of it is made from the same parts."""

    obj: dict[str, Any]
    consensus: Consensus
    tlp: Tlp
    frame: ListingFrame
    terms: Terms


def _is_plain(value: ReportedValue) -> bool:
    """Return whether one partner's report for everybody is all that was ever said of a value, and nobody is coerced."""
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
    """Return the drafts of one track under one name of the value: one that all of its collections may know."""
    if len({draft.consensus.value for draft in drafts.values()}) <= 1:
        return drafts
    named = {}
    for alias, draft in drafts.items():
        fused = draft.consensus
        named[alias] = draft._replace(consensus=fused._replace(value=kinds.get(fused.kind).key(fused.value)))
    return named


def _is_renamed(current: Mapping[str, Obj], wanted: Mapping[str, Draft]) -> bool:
    """Return whether the listings name the value otherwise than the drafts do."""
    if not current or not wanted:
        return False
    fused = next(iter(wanted.values())).consensus
    return {obj["pattern"] for obj in current.values()} != {consensus.pattern_by_name(fused)}
