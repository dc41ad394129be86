"""Signed checkpoints as STIX notes in their collections, for TAXII readers to keep and compare.

Two different notes for one log and size prove a fault of the hub to any reader that compares them.
"""

import logging
from collections.abc import Sequence
from typing import Any, NamedTuple

from mappers import common_objects, extension, ids, marking
from schemas.vocabulary import Tlp
from server.release.publish import identities
from server.store import Store, Tx, collections, log
from server.store.collections import Collection, UnknownCollection
from server.store.database.times import stix_stamp
from server.store.item import Item
from server.store.ledger import growth, heads
from server.store.ledger.heads import SignedHead

logger = logging.getLogger(__name__)

_PUBLIC = "public"


class _Due(NamedTuple):
    collection: Collection
    origin: str
    head: SignedHead


class CheckpointNotes:
    """Publishes the first checkpoint signed in each hour, for each of the named collections."""

    def __init__(self, store: Store, aliases: Sequence[str]) -> None:
        """Publish those of the collections with these aliases."""
        self._store = store
        self._aliases = tuple(aliases)
        self._missing: set[str] = set()

    def publish(self) -> int:
        """Publish new notes, and return their number; repeating it changes nothing.

        The log itself contains the note, from the next checkpoint on. That checkpoint is in the same hour, and has no
        note.
        """
        if not self._aliases:
            return 0
        with self._store.read() as tx:
            found = [self._find(tx, alias) for alias in self._aliases]
        due = [checkpoint for checkpoint in found if checkpoint is not None]
        for checkpoint in due:
            with self._store.begin(in_passing=True) as tx:
                log.append(tx, checkpoint.collection, _items(tx, checkpoint))
        return len(due)

    def _find(self, tx: Tx, alias: str) -> _Due | None:
        """Return the last checkpoint that began an hour, unless its note exists."""
        try:
            collection = collections.get(tx, alias)
        except UnknownCollection:
            if alias not in self._missing:
                logger.warning("checkpoint-notes refused=%s reason=there is no such collection", alias)
            self._missing.add(alias)
            return None
        tree = growth.tree_of(tx, collection.number)
        head = None if tree is None else heads.last_hourly(tx, collection.number)
        if tree is None or head is None or log.has(tx, collection, _id(identities.of_hub(tx)["id"], tree.origin, head)):
            return None
        return _Due(collection, tree.origin, head)


def _items(tx: Tx, due: _Due) -> list[Item]:
    """Return the note, with the objects that it refers to."""
    hub = identities.of_hub(tx)
    level = Tlp.CLEAR if due.collection.alias.removesuffix("-full") == _PUBLIC else Tlp.AMBER
    around = [*common_objects.for_levels([level]), hub]
    return [Item.of(obj) for obj in (*around, _note(hub["id"], due.origin, due.head, level))]


def _note(hub: str, origin: str, head: SignedHead, level: Tlp) -> dict[str, Any]:
    at = stix_stamp(head.signed // 1000 * 1000)
    return {
        "type": "note",
        "spec_version": "2.1",
        "id": _id(hub, origin, head),
        "created_by_ref": hub,
        "created": at,
        "modified": at,
        "abstract": f"Signed checkpoint of this collection's log, {head.size} entries / "
        f"จุดตรวจสอบที่ลงนามของบันทึกชุดข้อมูลนี้ {head.size} รายการ",
        "content": head.note.decode(),
        "object_refs": [hub],
        "labels": extension.labels_of({"checkpoint": str(head.size)}),
        "object_marking_refs": [marking.ref(level)],
    }


def _id(hub: str, origin: str, head: SignedHead) -> str:
    return "note--" + ids.in_scamfeed({"type": "note", "hub": hub, "log": origin, "size": head.size})
