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

Obj = Mapping[str, Any]

_MILLISECOND = timedelta(milliseconds=1)


def revoked(obj: Obj, at: datetime) -> dict[str, Any]:
    """Return the last version of an object: revoked, ended at ``at``, all else as it was.

    Some readers look at ``revoked``, some only at ``valid_until``. That is moved to ``at``, or to the first
    millisecond after ``valid_from`` where that is later (STIX 2.1 §4.7), and never put off. ``modified`` is later than
    before.
    """
    version = max(at, timestamp.parse(obj["modified"]) + _MILLISECOND)
    last = {**obj, "modified": timestamp.text(version), "revoked": True}
    if obj["type"] == "indicator":
        ends = [max(at, timestamp.parse(obj["valid_from"]) + _MILLISECOND)]
        if "valid_until" in obj:
            ends.append(timestamp.parse(obj["valid_until"]))
        last["valid_until"] = timestamp.text(min(ends))
    return last


def is_revoked(obj: Obj) -> bool:
    """Return whether a version of an object revokes it."""
    return obj.get("revoked") is True


class Publication:
    """Reads the latest versions in the collections, gathers what enters them, and writes it at the end.

    A collection is named by its alias without ``-full``; an object that enters it enters the full variant too.
    """

    def __init__(self, context: ReleaseContext) -> None:
        """Work with the collections of ``context``."""
        self._context = context
        self._loaded: set[str] = set()
        self._latest: dict[str, dict[str, Obj]] = defaultdict(dict)
        self._entering: dict[str, list[Item]] = defaultdict(list)
        self._levels: dict[str, set[Tlp]] = defaultdict(set)
        self._makers: dict[str, set[str]] = defaultdict(set)
        self._revoked: dict[str, list[str]] = defaultdict(list)
        self._listed: list[ListingId] = []
        self._in_private: list[tuple[str, int]] = []

    def load(self, wanted: set[str]) -> None:
        """Read the latest versions of these ids in every collection that may have them; each id once."""
        wanted = wanted - self._loaded
        if not wanted:
            return
        self._loaded |= wanted
        for alias in self._context.shared:
            self._read(alias, wanted)
        aliases = {collection.number: alias for alias, collection in self._context.collections.items()}
        ids_by_number: dict[int, set[str]] = defaultdict(set)
        for id_, numbers in collections.private_collections_of(self._context.tx, wanted).items():
            for number in numbers:
                ids_by_number[number].add(id_)
        for number, ids in ids_by_number.items():
            self._read(aliases[number], ids)

    def published(self, id_: str) -> dict[str, Obj]:
        """Return by collection the object of that id, where it is not revoked: as loaded, or as it entered since."""
        return {
            alias: objects[id_]
            for alias, objects in self._latest.items()
            if id_ in objects and not is_revoked(objects[id_])
        }

    def latest(self, id_: str) -> Obj | None:
        """Return the object of that id in any collection, revoked or not."""
        return next((objects[id_] for objects in self._latest.values() if id_ in objects), None)

    def collections_with(self, id_: str) -> set[str]:
        """Return the collections that have the object of that id, revoked or not."""
        return {alias for alias, objects in self._latest.items() if id_ in objects}

    def collections_with_observable(self, id_: str) -> set[str]:
        """Return the shared collections whose full variants have an observable."""
        found = set()
        for alias in self._context.shared:
            full = self._context.variants(alias)[-1]
            if id_ in self._latest[alias] or log.has(self._context.tx, self._context.collections[full], id_):
                found.add(alias)
        return found

    def latest_in(self, alias: str, id_: str) -> Obj | None:
        """Return the object of that id in a collection, revoked or not."""
        return self._latest[alias].get(id_)

    def enter(
        self,
        alias: str,
        obj: Obj,
        tlp: Tlp,
        *,
        beside: Iterable[Obj] = (),
        observables: Iterable[Obj] = (),
        by: str = "",
    ) -> None:
        """Add an object to a collection, unless it was revoked there before.

        The objects ``beside`` it are added with it, its ``observables`` to the full variant alone. ``by`` is the
        partner that made it.
        """
        before = self._latest[alias].get(obj["id"])
        if before is not None and is_revoked(before):
            return
        items = [*map(Item.of, beside), Item.of(obj)]
        for variant in self._variants_for(alias, obj):
            self._entering[variant] += items
            self._levels[variant].add(tlp)
            self._makers[variant] |= {by} if by else set()
            if variant.endswith(FULL):
                for observable in observables:
                    self._entering[variant].append(Item.of(observable))
                    self._latest[alias][observable["id"]] = observable
        self._latest[alias][obj["id"]] = obj
        if self._context.is_private(alias):
            self._in_private.append((obj["id"], self._context.collections[alias].number))

    def add_listing(self, listed: ListingId) -> None:
        """Remember the id under which a value is listed from now on."""
        self._listed.append(listed)

    def revoke(self, alias: str, id_: str) -> Obj:
        """Revoke an object in a collection and return its last version, which changes nothing else of it."""
        obj = self._latest[alias][id_]
        if is_revoked(obj):
            return obj
        last = revoked(obj, self._context.at)
        if annotation_targets.refs(last) and last["created_by_ref"] != self._context.identity.identity:
            # Earlier releases published annotations as they came.
            with suppress(Rejected):
                last = annotation.rebuild(last, audience.effective_tlp(last)).obj
        for variant in self._variants_for(alias, last):
            self._entering[variant].append(Item.of(last))
            self._revoked[variant].append(id_)
        self._latest[alias][id_] = last
        return last

    def write(self, reason: str) -> None:
        """Write all that entered, and open receipts with that reason for what was revoked."""
        tx, by_alias = self._context.tx, self._context.collections
        log.lock(tx, [by_alias[alias] for alias in self._entering])
        for alias in sorted(self._entering, key=lambda alias: by_alias[alias].number):
            common = [*common_objects.for_levels(self._levels[alias]), *self._context.identities(self._makers[alias])]
            log.append(tx, by_alias[alias], [*map(Item.of, common), *self._entering[alias]])
        listings.record(tx, self._listed)
        collections.record_private_objects(tx, self._in_private)
        for alias, ids in self._revoked.items():
            self._open_receipts(alias, ids, reason)

    def _open_receipts(self, alias: str, ids: list[str], reason: str) -> None:
        tx, collection = self._context.tx, self._context.collections[alias]
        added = log.added(tx, collection, ids)
        versions = log.latest(tx, collection, ids)
        receipts.open_all(tx, alias, [Retraction(id_, added[id_], versions[id_].version or 0) for id_ in ids], reason)

    def _variants_for(self, alias: str, obj: Obj) -> list[str]:
        """Return the variants of a collection that take the object: one that is no standard STIX, the full one."""
        return [
            variant
            for variant in self._context.variants(alias)
            if variant.endswith(FULL) or annotation_targets.is_standard_stix(obj)
        ]

    def _read(self, alias: str, wanted: set[str]) -> None:
        full = self._context.collections[self._context.variants(alias)[-1]]
        found = log.latest(self._context.tx, full, wanted)
        self._latest[alias].update((id_, msgspec.json.decode(item.body)) for id_, item in found.items())
