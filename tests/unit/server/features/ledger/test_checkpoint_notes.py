"""Checkpoints as notes: one per hour, for named collections, and the same from every process."""

import logging

import msgspec
import pytest

from schemas.tlog.proofs import open_checkpoint
from server.features.ledger.checkpoint_notes import CheckpointNotes
from server.setup import set_up
from server.store import Store, collections, log
from server.store.database.times import now
from server.store.ledger import heads
from server.store.log import append_all
from server.store.objects.query import ALL
from tests.unit.server.store.conftest import database, empty_url, store, url
from tests.unit.server.store.ledger.checks import KEY, seal
from tests.unit.server.store.ledger.conftest import listing

__all__ = ["database", "empty_url", "store", "url"]

HOUR = 3_600_000_000


class Clock:
    def __init__(self) -> None:
        self.moment = now() // HOUR * HOUR

    def now(self) -> int:
        self.moment += 1_000_000
        return self.moment


def notes_of(store: Store, alias: str) -> list[dict[str, str]]:
    with store.read() as tx:
        bodies = log.page(tx, collections.get(tx, alias), ALL).bodies
    return [obj for obj in map(msgspec.json.decode, bodies) if obj["type"] == "note"]


def test_first_checkpoint_of_an_hour_is_a_note_once_if_anything_else_was_published(
    store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    clock = Clock()
    monkeypatch.setattr(heads, "now", clock.now)
    set_up(store)
    published = CheckpointNotes(store, ["takedown", "nowhere"])

    def publish(*numbers: int) -> int:
        """Publish listings, seal them, and return the number of resulting notes."""
        with store.begin() as tx:
            append_all(
                tx, [(collections.get(tx, alias), list(map(listing, numbers))) for alias in ("takedown", "wallets")]
            )
        seal(store)
        count = published.publish()
        seal(store)
        return count

    with caplog.at_level(logging.WARNING):
        assert [publish(1), publish(2), publish()] == [1, 0, 0]
    assert caplog.text.count("refused=nowhere") == 1
    clock.moment += HOUR
    assert [publish(), publish(3), publish(4)] == [0, 1, 0]
    # Another process publishes the same checkpoint.
    assert CheckpointNotes(store, ["takedown"]).publish() == 0
    assert CheckpointNotes(store, []).publish() == 0

    notes = notes_of(store, "takedown")
    assert notes_of(store, "wallets") == notes_of(store, "takedown-full") == []
    checkpoints = [open_checkpoint(note["content"].encode(), [KEY.verifier])[0] for note in notes]
    assert len({note["id"] for note in notes}) == len(checkpoints) == 2
    for note, checkpoint in zip(notes, checkpoints, strict=True):
        assert f'scam:checkpoint="{checkpoint.size}"' in note["labels"]
        assert note["object_refs"] == [note["created_by_ref"]]
