"""The collections that the release rules fill: objects that enter them, revocations, and the receipts for these."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import msgspec

from mappers import annotation, common_objects
from schemas import timestamp
from schemas.errors import Rejected
from schemas.vocabulary import Tlp
from server.release.context import ReleaseContext
from server.release.query import receipts
from server.release.route import annotation_targets, audience
from server.release.route.policy import FULL
from server.store import collections, listings, log
from server.store.item import Item
from server.store.listings import ListingId
from server.store.retractions import Retraction

_MILLISECOND = timedelta(milliseconds=1)


def revoked(obj: Mapping[str, Any], at: datetime) -> dict[str, Any]:
    """Give the last version of an object: revoked, ended at ``at``, all else as it was.

    Some readers look at ``revoked``, some at ``valid_until`` only; that is moved to ``at``, or to the first millisecond
    after ``valid_from`` where that lies later (STIX 2.1 §4.7 wants it later), and never put off. ``modified`` is later
    than before.
    """
    version = max(at, timestamp.parse(obj["modified"]) + _MILLISECOND)
    last = {**obj, "modified": timestamp.text(version), "revoked": True}
    if obj["type"] == "indicator":
        ends = [max(at, timestamp.parse(obj["valid_from"]) + _MILLISECOND)]
        if "valid_until" in obj:
            ends.append(timestamp.parse(obj["valid_until"]))
        last["valid_until"] = timestamp.text(min(ends))
    return last


Obj = Mapping[str, Any]


class Publication:
    """Looks at what stands in the rooms, and writes to each what enters it when all is said."""

    def __init__(self, scene: ReleaseContext) -> None:
        """Look at the rooms of ``scene``."""
        self._scene = scene
        self._loaded: set[str] = set()
        self._out: dict[str, dict[str, Obj]] = defaultdict(dict)
        self._entering: dict[str, list[Item]] = defaultdict(list)
        self._levels: dict[str, set[Tlp]] = defaultdict(set)
        self._speakers: dict[str, set[str]] = defaultdict(set)
        self._taken_back: dict[str, list[str]] = defaultdict(list)
        self._listed: list[ListingId] = []
        self._in_personal: list[tuple[str, int]] = []

    def load(self, wanted: set[str]) -> None:
        """Read what stands under those ids, in every room that may have it; of each id once."""
        wanted = wanted - self._loaded
        if not wanted:
            return
        self._loaded |= wanted
        for room in self._scene.shared:
            self._read(room, wanted)
        aliases = {each.number: alias for alias, each in self._scene.rooms.items()}
        own: dict[int, set[str]] = defaultdict(set)
        for id_, numbers in collections.private_collections_of(self._scene.tx, wanted).items():
            for number in numbers:
                own[number].add(id_)
        for number, ids in own.items():
            self._read(aliases[number], ids)

    def out(self, id_: str) -> dict[str, Obj]:
        """Give by room what is out under that id and not taken back, as far as it was loaded or has entered."""
        return {room: there[id_] for room, there in self._out.items() if id_ in there and not is_gone(there[id_])}

    def standing(self, id_: str) -> Obj | None:
        """Give what stands under that id in any room, taken back or not."""
        return next((there[id_] for there in self._out.values() if id_ in there), None)

    def stood(self, id_: str) -> set[str]:
        """Give the rooms that have something under that id, taken back or not."""
        return {room for room, there in self._out.items() if id_ in there}

    def observed(self, id_: str) -> set[str]:
        """Give the rooms in whose full twins an observable stands."""
        found = set()
        for room in self._scene.shared:
            full = self._scene.twins(room)[-1]
            if id_ in self._out[room] or log.has(self._scene.tx, self._scene.rooms[full], id_):
                found.add(room)
        return found

    def version(self, room: str, id_: str) -> Obj | None:
        """Give what stands under that id in a room, taken back or not."""
        return self._out[room].get(id_)

    def enter(
        self, room: str, obj: Obj, tlp: Tlp, *, beside: Iterable[Obj] = (), basis: Iterable[Obj] = (), by: str = ""
    ) -> None:
        """Let an object into a room, but not again what was taken back there.

        What is ``beside`` it comes along, its ``basis`` into the full twin alone; ``by`` is the partner who says it.
        """
        before = self._out[room].get(obj["id"])
        if before is not None and is_gone(before):
            return
        items = [*map(Item.of, beside), Item.of(obj)]
        for name in self._twins(room, obj):
            self._entering[name] += items
            self._levels[name].add(tlp)
            self._speakers[name] |= {by} if by else set()
            if name.endswith(FULL):
                for each in basis:
                    self._entering[name].append(Item.of(each))
                    self._out[room][each["id"]] = each
        self._out[room][obj["id"]] = obj
        if self._scene.is_own(room):
            self._in_personal.append((obj["id"], self._scene.rooms[room].number))

    def list_as(self, listed: ListingId) -> None:
        """Remember under which id a value is listed from now on."""
        self._listed.append(listed)

    def take_back(self, room: str, id_: str) -> Obj:
        """Revoke what stands in a room, as it stands there: a revocation brings no new words with it."""
        there = self._out[room][id_]
        if is_gone(there):
            return there
        last = revoked(there, self._scene.at)
        if annotation_targets.refs(last) and last["created_by_ref"] != self._scene.hub.identity:
            # Releases before this one let such objects in as they came.
            with suppress(Rejected):
                last = annotation.rebuild(last, audience.effective_tlp(last)).obj
        for name in self._twins(room, last):
            self._entering[name].append(Item.of(last))
            self._taken_back[name].append(id_)
        self._out[room][id_] = last
        return last

    def flush(self, reason: str) -> None:
        """Write to the rooms what entered them, and open receipts for what was taken back, for that reason."""
        tx, rooms = self._scene.tx, self._scene.rooms
        log.lock(tx, [rooms[alias] for alias in self._entering])
        for alias in sorted(self._entering, key=lambda name: rooms[name].number):
            around = [*common_objects.for_levels(self._levels[alias]), *self._scene.identities(self._speakers[alias])]
            log.append(tx, rooms[alias], [*map(Item.of, around), *self._entering[alias]])
        listings.record(tx, self._listed)
        collections.record_private_objects(tx, self._in_personal)
        for alias, gone in self._taken_back.items():
            self._open_receipts(alias, gone, reason)

    def _open_receipts(self, alias: str, gone: list[str], reason: str) -> None:
        at = log.added(self._scene.tx, self._scene.rooms[alias], gone)
        versions = log.latest(self._scene.tx, self._scene.rooms[alias], gone)
        taken_back = [Retraction(id_, at[id_], versions[id_].version or 0) for id_ in gone]
        receipts.open_all(self._scene.tx, alias, taken_back, reason)

    def _twins(self, room: str, obj: Obj) -> list[str]:
        """Give the collections of a room that take the object: one that not every reader can take, the full one."""
        return [
            name for name in self._scene.twins(room) if name.endswith(FULL) or annotation_targets.is_standard_stix(obj)
        ]

    def _read(self, room: str, wanted: set[str]) -> None:
        found = log.latest(self._scene.tx, self._scene.rooms[self._scene.twins(room)[-1]], wanted)
        self._out[room].update((id_, msgspec.json.decode(item.body)) for id_, item in found.items())


def is_gone(obj: Obj) -> bool:
    """Tell whether an object was taken back."""
    return obj.get("revoked") is True
