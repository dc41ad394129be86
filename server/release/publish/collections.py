"""The collections that the release rules fill: added objects, revocations, and the receipts for these."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from contextlib import suppress
from datetime import datetime, timedelta
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import msgspec

from mappers import annotation, common_objects, ids
from schemas import timestamp
from schemas.errors import Rejected
from schemas.vocabulary import Tlp
from server.release.context import ReleaseContext
from server.release.route import annotation_targets, audience
from server.release.route.policy import FULL
from server.store import log, retractions, value_index
from server.store.collections import Collection
from server.store.database.engine import at_end
from server.store.database.times import parse
from server.store.item import Item
from server.store.retractions import Retraction

Obj = Mapping[str, Any]

_MILLISECOND = timedelta(milliseconds=1)
_NOWHERE: Mapping[str, Obj] = MappingProxyType({})


def revoked(obj: Obj, at: datetime) -> dict[str, Any]:
    """Return the last version of an object: revoked, ended at ``at``, otherwise unchanged.

    Some readers check ``revoked``, some only ``valid_until``. This is moved to ``at``, or to the first millisecond
    after ``valid_from`` if that is later (STIX 2.1 §4.7), and never postponed. ``modified`` is later than before.
    """
    version = max(at, timestamp.parse(obj["modified"]) + _MILLISECOND)
    last = {**obj, "modified": timestamp.text(version), "revoked": True}
    if obj["type"] == "indicator":
        ends = [max(at, timestamp.parse(obj["valid_from"]) + _MILLISECOND)]
        if "valid_until" in obj:
            ends.append(timestamp.parse(obj["valid_until"]))
        last["valid_until"] = timestamp.text(min(ends))
    return last


# Constant, and sent with each contribution.
@lru_cache(maxsize=64)
def _common_items(levels: frozenset[Tlp]) -> list[Item]:
    return [Item.of(obj) for obj in common_objects.for_levels(levels)]


def is_revoked(obj: Obj) -> bool:
    """Return whether a version of an object revokes it."""
    return obj.get("revoked") is True


class Publication:
    """Reads the latest versions in the collections, collects the changes, and writes them at the end.

    A collection is named by its alias without ``-full``; an object added to it is added to the full variant too.
    """

    def __init__(self, context: ReleaseContext) -> None:
        """Work with the collections of ``context``."""
        self._context = context
        self._loaded: set[str] = set()
        # By id, and by collection.
        self._latest: dict[str, dict[str, Obj]] = {}
        self._contributed: list[Item] = []
        self._keys: set[str] = set()
        self._variants: dict[str, tuple[str, ...]] = {}
        self._entering: dict[str, list[Item]] = defaultdict(list)
        self._levels: dict[str, set[Tlp]] = defaultdict(set)
        self._makers: dict[str, set[str]] = defaultdict(set)
        # The versions that revoke objects, by collection and id.
        self._revoked: dict[str, dict[str, int]] = defaultdict(dict)

    def load(self, wanted: set[str]) -> None:
        """Read the latest versions of these ids in every collection that may have them; each id once."""
        wanted = wanted - self._loaded
        if not wanted:
            return
        self._loaded |= wanted
        aliases = self._context.alias_by_number
        for number, items in log.latest_everywhere(self._context.tx, wanted).items():
            alias = aliases[number].removesuffix(FULL)
            for id_, item in items.items():
                self._latest.setdefault(id_, {})[alias] = msgspec.json.decode(item.body)

    def published(self, id_: str) -> dict[str, Obj]:
        """Return, by collection, the object with that id if it is not revoked: as loaded, or as added since."""
        return {alias: obj for alias, obj in self._latest.get(id_, _NOWHERE).items() if not is_revoked(obj)}

    def latest(self, id_: str) -> Obj | None:
        """Return the object with that id in any collection, revoked or not."""
        return next(iter(self._latest.get(id_, _NOWHERE).values()), None)

    def collections_with(self, id_: str) -> set[str]:
        """Return the collections that have the object with that id, revoked or not."""
        return set(self._latest.get(id_, _NOWHERE))

    def collections_with_observable(self, id_: str) -> set[str]:
        """Return the shared collections whose full variants have an observable."""
        found = set()
        known = self._latest.get(id_, _NOWHERE)
        for alias in self._context.shared:
            full = self._context.variants(alias)[-1]
            if alias in known or log.has(self._context.tx, self._context.collections[full], id_):
                found.add(alias)
        return found

    def latest_in(self, alias: str, id_: str) -> Obj | None:
        """Return the object with that id in a collection, revoked or not."""
        return self._latest.get(id_, _NOWHERE).get(alias)

    def withdrawn(self) -> Set[str]:
        """Return the ids of the objects that this transaction revokes, in any collection."""
        return {id_ for versions in self._revoked.values() for id_ in versions}

    def was_revoked(self, id_: str) -> bool:
        """Return whether the object with that id is revoked in any collection."""
        return any(map(is_revoked, self._latest.get(id_, _NOWHERE).values()))

    def is_withdrawn(self, alias: str, ids_: Iterable[str]) -> bool:
        """Return whether all objects with these ids that a collection has are revoked; if it has none, check all
        collections.

        False if no collection ever had one.
        """
        known = [self._latest.get(id_, _NOWHERE) for id_ in ids_]
        here = [latest[alias] for latest in known if alias in latest]
        anywhere = here or [obj for latest in known for obj in latest.values()]
        return bool(anywhere) and all(map(is_revoked, anywhere))

    def contribute(self, items: Iterable[Item]) -> None:
        """Add object versions to the inbox, each under its key."""
        for item in items:
            self._contributed.append(item)
            self._keys.add(item.id)

    def contributes(self, key: str) -> bool:
        """Return whether this transaction adds a version of an object with this key to the inbox."""
        return key in self._keys

    def enter(
        self,
        alias: str,
        obj: Obj,
        tlp: Tlp,
        *,
        beside: Iterable[Obj] = (),
        basis: tuple[Obj, Obj] | None = None,
        texts: Iterable[Obj] = (),
        subject: str | None = None,
        by: str = "",
        is_like_reports: bool = False,
    ) -> None:
        """Add an object to a collection, unless the object was revoked there before.

        The objects in ``beside`` are added with it. ``basis`` and ``texts`` accompany a listing of the value
        ``subject`` only in the full variant: its observable with the relationship to it, and texts in other languages.
        ``by`` is the partner that made the object. ``is_like_reports`` is as in an item.
        """
        known = self._latest.setdefault(obj["id"], {})
        before = known.get(alias)
        if before is not None and is_revoked(before):
            return
        item = Item.of(obj)
        if subject:
            around = (Item.of(basis[0]), Item.of(basis[1])) if basis else None
            item = Item(*item[:6], subject, around, is_like_reports)
        for variant in self._variants_for(alias, obj):
            entering = self._entering[variant]
            entering += map(Item.of, beside)
            entering.append(item)
            self._levels[variant].add(tlp)
            if by:
                self._makers[variant].add(by)
            if variant.endswith(FULL):
                entering += (Item.of(text)._replace(is_like_reports=is_like_reports) for text in texts)
                for added in (*(basis or ()), *texts):
                    self._latest.setdefault(added["id"], {})[alias] = added
        known[alias] = obj

    def enter_first(
        self,
        alias: str,
        written: Sequence[tuple[str, bytes]],
        tlp: Tlp,
        subject: str,
        created: str,
        modified: str,
    ) -> None:
        """Add the first listing of the value ``subject``, its observable and the relationship, by ids and JSON.

        They are not read again before they are written. Their texts are those of the reports in the inbox.
        """
        (id_, body), (observable_id, observable), (relationship_id, relationship) = written
        type_ = observable_id.partition("--")[0]
        around = (
            Item(observable_id, type_, "2.1", None, False, observable),
            Item(relationship_id, "relationship", "2.1", parse(created), False, relationship),
        )
        item = Item(id_, "indicator", "2.1", parse(modified), False, body, subject, around, is_like_reports=True)
        for variant in self._variants_of(alias):
            self._entering[variant].append(item)
            self._levels[variant].add(tlp)

    def revoke(self, alias: str, id_: str) -> Obj:
        """Revoke an object in a collection and return its last version, otherwise unchanged."""
        obj = self._latest[id_][alias]
        if is_revoked(obj):
            return obj
        last = revoked(obj, self._context.at)
        if annotation_targets.refs(last) and last["created_by_ref"] != self._context.identity.identity:
            # Earlier releases published annotations unchanged.
            with suppress(Rejected):
                last = annotation.rebuild(last, audience.effective_tlp(last)).obj
        item = Item.of(last)
        for variant in self._variants_for(alias, last):
            self._entering[variant].append(item)
            self._revoked[variant][id_] = item.version or 0
        self._latest[id_][alias] = last
        return last

    def write(self, reason: str, *, leave_for_end: bool = False) -> None:
        """Write all additions to the collections, and open receipts with that reason for the revoked objects.

        With ``leave_for_end`` the writes that lock the collections are left for the end of the transaction.
        """
        tx, by_alias = self._context.tx, self._context.collections
        self._revoke_texts()
        appends = [(self._context.inbox, self._contributed)] if self._contributed else []
        for alias in sorted(self._entering, key=lambda alias: by_alias[alias].number):
            common = [*_common_items(frozenset(self._levels[alias])), self._context.facts.hub_item]
            makers = map(Item.of, self._context.identities(self._makers[alias]))
            appends.append((by_alias[alias], [*common, *makers, *self._entering[alias]]))

        def append(last: bool) -> None:
            never_used = _ids_of_first_listings(self._entering.values(), value_index.first_named(tx))
            gone = frozenset(id_ for versions in self._revoked.values() for id_ in versions)
            done = log.append_all(tx, appends, last=last and not gone, never_used=never_used, dated=gone)
            if gone:
                dates = {collection: result.dates for (collection, _), result in zip(appends, done, strict=True)}
                self._open_receipts(reason, dates)

        if leave_for_end:
            at_end(tx, append)
        else:
            append(last=False)

    def _revoke_texts(self) -> None:
        """Revoke, with each listing, its texts in other languages, which the full variants have."""
        revoked_in = [
            (alias, ids.language_content(id_))
            for alias, versions in self._revoked.items()
            if alias.endswith(FULL)
            for id_ in versions
            if id_.startswith("indicator--")
        ]
        if not revoked_in:
            return
        stored = log.latest_everywhere(self._context.tx, {id_ for _, id_ in revoked_in})
        for alias, id_ in revoked_in:
            text = self._latest.get(id_, _NOWHERE).get(alias.removesuffix(FULL))
            if text is None and (item := stored.get(self._context.collections[alias].number, {}).get(id_)):
                text = msgspec.json.decode(item.body)
            if text is not None and not is_revoked(text):
                last = revoked(text, self._context.at)
                self._entering[alias].append(Item.of(last))
                self._latest.setdefault(id_, {})[alias.removesuffix(FULL)] = last

    def _open_receipts(self, reason: str, dates: Mapping[Collection, Mapping[str, tuple[int, int]]]) -> None:
        """Open receipts for revoked objects; ``dates`` has their first and last versions by collection."""
        gone: dict[Collection, list[Retraction]] = {}
        for alias, versions in self._revoked.items():
            collection = self._context.collections[alias]
            of_ids = dates[collection]
            gone[collection] = [
                Retraction(id_, of_ids[id_][1], version, of_ids[id_][0]) for id_, version in versions.items()
            ]
        retractions.retract(self._context.tx, gone, reason)

    def _variants_of(self, alias: str) -> Sequence[str]:
        variants = self._variants.get(alias)
        if variants is None:
            variants = self._variants[alias] = self._context.variants(alias)
        return variants

    def _variants_for(self, alias: str, obj: Obj) -> Sequence[str]:
        """Return the variants of a collection that take the object: only the full one if it is not standard STIX."""
        variants = self._variants_of(alias)
        if obj["type"] == "indicator" or annotation_targets.is_standard_stix(obj):
            return variants
        return [variant for variant in variants if variant.endswith(FULL)]


def _ids_of_first_listings(entering: Iterable[Sequence[Item]], first_named: Set[str]) -> set[str]:
    """Return the ids of the listings of newly named values, and of their relationships.

    They are derived from the value, so no collection has them yet.
    """
    return {
        id_
        for items in entering
        for item in items
        if item.basis and item.subject in first_named
        for id_ in (item.id, item.basis[1].id)
    }
