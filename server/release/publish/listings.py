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
from server.release.fuse.statements import Claim, ReportedValue
from server.release.guard.personal_data import case_numbers
from server.release.publish.changes import changes_what_a_reader_does
from server.release.publish.collections import Publication
from server.release.route import audience
from server.release.route.audience import Audience
from server.release.route.policy import ConsensusFacts, ReportFacts
from server.store.listings import ListingId


class ListingIds:
    """The listings there were, and those that come next, as far as ``publication`` was loaded."""

    def __init__(self, scene: ReleaseContext, publication: Publication) -> None:
        """Look at what stands in the rooms of ``scene``."""
        self._scene = scene
        self._publication = publication

    def there(self, id_: str, track: str) -> dict[str, Any]:
        """Give by room of a track what is out under that id."""
        out = self._publication.out(id_) if id_ else {}
        return {room: obj for room, obj in out.items() if self._scene.owner(room) == track}

    def times(self, listed: list[str], room: str, id_: str) -> int:
        """Give how often the value was listed in that room before, under other ids."""
        return sum(1 for each in listed if each != id_ and self._publication.version(room, each))

    def next(self, value: ReportedValue, track: str) -> str:
        """Give the id of a listing that there was not yet: what was taken back stays so under its id."""
        number = len(value.listed.get(track, ()))
        id_ = self._scene.listing_id(value.subject, track, number)
        self._publication.list_as(ListingId(value.subject, track, number, id_))
        return id_


Obj = Mapping[str, Any]

_MILLISECOND = timedelta(milliseconds=1)


class _Said(NamedTuple):
    """What the hub is to say in a room, and out of which reports."""

    consensus: Consensus
    claims: list[Claim]

    @property
    def tlp(self) -> Tlp:
        """Give the narrowest level among the reports: it holds for what is made of them."""
        spared = [Tlp.AMBER_STRICT] if self.consensus.holder_status is HolderStatus.COERCED else []
        return marking.narrowest([*spared, *(each.tlp for each in self.claims)]) or Tlp.RED

    @property
    def onward(self) -> bool:
        """Tell whether who hears it may pass it on."""
        return all(each.said.report.sharing is None or each.said.report.sharing.onward for each in self.claims)

    @property
    def facts(self) -> ConsensusFacts:
        """Give what rules ask about the reports together."""
        said = self.consensus
        return ConsensusFacts(said.grade, said.countries, said.confidence, said.reporters)

    @property
    def sources(self) -> list[ReportFacts]:
        """Give what rules ask about each report."""
        return [ReportFacts(each.said.report.kind, each.tlp, each.said.partner.kind) for each in self.claims]


@dataclass
class ListingState:
    """How a value stands after it was renewed: the id it is listed under by the room that it is in.

    ``shared`` is that of the shared rooms, empty where it is in none. ``entered`` and ``left`` are rooms it was not in
    before, or is in no more; ``renewed`` tells whether something else is said of it in one. ``reports`` has the rooms
    that each partner's own report of it may enter, by the partner's name.
    """

    rooms: dict[str, str] = field(default_factory=dict)
    shared: str = ""
    entered: set[str] = field(default_factory=set)
    left: set[str] = field(default_factory=set)
    renewed: bool = False
    reports: dict[str, Audience] = field(default_factory=dict)


def _by_one_name(wanted: dict[str, _Said]) -> dict[str, _Said]:
    """Give what is to be said in the rooms of one track by one name of the value: one that is heard in all of them."""
    if len({each.consensus.value for each in wanted.values()}) <= 1:
        return wanted
    named = {}
    for room, said in wanted.items():
        about = said.consensus
        named[room] = said._replace(consensus=about._replace(value=kinds.get(about.kind).key(about.value)))
    return named


def _is_renamed(there: Mapping[str, Obj], wanted: Mapping[str, _Said]) -> bool:
    """Tell whether what stands under an id names the value otherwise than what is to be said."""
    if not there or not wanted:
        return False
    said = next(iter(wanted.values())).consensus
    return {obj["pattern"] for obj in there.values()} != {consensus.pattern_by_name(said)}


def _enters(room: str, reach: Audience) -> bool:
    return room in reach.shared


def is_published(scene: ReleaseContext, standing: ListingState, reach: Audience) -> bool:
    """Tell whether the value stands where something that may enter those rooms is heard."""
    return any(each in reach.shared or scene.reader(each) in reach.personal for each in standing.rooms)


class ListingUpdater:
    """Brings what the hub says up to what partners say.

    The shared rooms have a value under one id, so that who reads several has it once; each partner's own room has ids
    of its own, for what happens there is nobody's to tell.
    """

    def __init__(self, scene: ReleaseContext, publication: Publication) -> None:
        """Say it in the hub's name, at the moment of ``scene``."""
        self._scene = scene
        self._publication = publication
        self._listings = ListingIds(scene, publication)
        # Coerced holders of whom something goes out while there is nobody to turn to for their protection.
        self.unprotected: set[str] = set()

    def renew(self, values: Iterable[ReportedValue]) -> dict[str, ListingState]:
        """Renew what is said of these values; gives by subject how each stands."""
        values = list(values)
        return {value.subject: self._renew(value) for value in values}

    def _renew(self, value: ReportedValue) -> ListingState:
        standing = ListingState(reports={claim.said.partner.name: claim.rooms for claim in value.claims})
        self._in_rooms(value, standing, "", self._shared(value))
        there = {id_: room for id_ in value.listings for room in self._publication.out(id_) if self._scene.reader(room)}
        for name in sorted(self._told(value, there.values())):
            said = self._said(value, partial(self._hears, name))
            wanted = {self._scene.own(name): said} if said and self._admits(name, said) else {}
            self._in_rooms(value, standing, name, wanted)
        return standing

    def _in_rooms(self, value: ReportedValue, standing: ListingState, track: str, wanted: dict[str, _Said]) -> None:
        """Bring one track, the shared rooms or one own room, up to what is ``wanted`` there, the widest room first."""
        listed = value.listed.get(track, [])
        id_ = next((each for each in reversed(listed) if self._listings.there(each, track)), "")
        there = self._listings.there(id_, track)
        moments = [timestamp.parse(obj["modified"]) + _MILLISECOND for obj in there.values()]
        wanted = _by_one_name(wanted)
        for room, other in self._doubles(listed, id_, track):
            last = self._publication.take_back(room, other)
            moments.append(timestamp.parse(last["modified"]) + _MILLISECOND)
            standing.left |= {room} - wanted.keys()
        if _is_renamed(there, wanted) or any(
            room not in there and self._publication.version(room, id_) for room in wanted
        ):
            # A room can have it no more under this id: it is listed anew, as another object, in all of them.
            leaving, there = set(there), {}
        else:
            leaving = there.keys() - wanted.keys()
        # Who reads several rooms keeps the version that is modified last: the narrowest, and none that was taken back.
        for room in leaving:
            last = self._publication.take_back(room, id_)
            moments.append(timestamp.parse(last["modified"]) + _MILLISECOND)
        standing.left |= leaving - wanted.keys()
        if not wanted:
            return
        id_ = id_ if there else self._listings.next(value, track)
        moment = max([self._scene.at, *moments])
        moved = bool(leaving - wanted.keys())
        for room, said in wanted.items():
            before = there.get(room)
            created = before["created"] if before else timestamp.text(self._scene.at)
            obj = self._object(said, id_, created, moment, self._listings.times(listed, room, id_))
            standing.rooms[room] = id_
            standing.shared = standing.shared if track else id_
            if before and not moved and not changes_what_a_reader_does(before, obj):
                continue
            self._publication.enter(room, obj, said.tlp, basis=consensus.basis(obj, said.consensus))
            if said.consensus.holder_status is HolderStatus.COERCED and "referral" not in extension.context_of(obj):
                self.unprotected.add(value.subject)
            standing.renewed |= before is not None
            standing.entered |= set() if before else {room}
            moved = True
            moment += _MILLISECOND

    def _doubles(self, listed: list[str], id_: str, track: str) -> list[tuple[str, str]]:
        """Give room and id of each listing of a track that stands beside the one under ``id_``."""
        others = (each for each in listed if each != id_)
        return [(room, other) for other in others for room in self._listings.there(other, track)]

    def _shared(self, value: ReportedValue) -> dict[str, _Said]:
        """Give what is to be said in each shared room, out of what may be heard there and nothing else."""
        wanted: dict[str, _Said] = {}
        heard_in = frozenset[str]().union(*(each.rooms.shared for each in value.claims))
        if not heard_in:
            return wanted
        for room in self._scene.shared:
            if room in heard_in:
                said = self._said(value, partial(_enters, room))
                if said and self._scene.policy.admits(room, said.facts, said.sources):
                    wanted[room] = said
        return wanted

    def _told(self, value: ReportedValue, there: Iterable[str]) -> set[str]:
        """Give the partners who may hear of it in their own rooms.

        Who was once told more goes on being told: some read by values, and would take its end there for the end.
        """
        named = {name for each in value.claims for name in each.rooms.personal}
        return named | {self._scene.reader(room) or "" for room in there} & self._scene.registry.partners.keys()

    def _hears(self, name: str, reach: Audience) -> bool:
        return name in reach.personal or not self._scene.reads(name).isdisjoint(reach.shared)

    def _admits(self, name: str, said: _Said) -> bool:
        """Tell whether a partner's own room takes it: by its own limits, or as a shared room that it reads does."""
        registry, policy = self._scene.registry, self._scene.policy
        shared = frozenset(alias for each in said.claims for alias in each.rooms.shared)
        return any(policy.admits(alias, said.facts, said.sources) for alias in shared & self._scene.reads(name)) or (
            audience.admits_privately(
                name, [each.rooms for each in said.claims], said.facts, said.sources, registry, policy
            )
        )

    def _said(self, value: ReportedValue, hears: Callable[[Audience], bool]) -> _Said | None:
        claims = [each for each in value.claims if hears(each.rooms)]
        if value.disputed:
            # A hold by authority ends when it says, or when who asked for it takes it back.
            claims = [each for each in claims if grade.is_live_hold(each.said, self._scene.at)]
        if not claims:
            return None
        fused = fuse(
            [each.said for each in claims],
            [each.seen for each in value.sights if each.counts and hears(each.rooms)],
            [] if value.disputed else [each.judged for each in value.verdicts if hears(each.rooms)],
            coerced=value.coerced,
            sign=bool(value.signs),
            at=self._scene.at,
        )
        return _Said(case_numbers.without_personal_numbers(fused), claims)

    def _object(self, said: _Said, id_: str, created: str, modified: datetime, seq: int) -> dict[str, Any]:
        about = said.consensus
        if about.origins and any(not each.said.origins for each in said.claims):
            # Who passes it on passes on what others said, and what is said here first.
            about = about._replace(origins=tuple(sorted({*about.origins, id_})))
        obj = consensus.to_stix(
            about,
            id_,
            self._scene.hub.identity,
            created=created,
            modified=timestamp.text(modified),
            tlp=said.tlp,
            seq=seq,
            referral=self._scene.referral(about.countries) if about.holder_status is HolderStatus.COERCED else None,
        )
        if not said.onward:
            ours = {**obj["extensions"][extension.ID], "sharing": {"onward": False}}
            obj["extensions"] = {**obj["extensions"], extension.ID: ours}
        return obj
