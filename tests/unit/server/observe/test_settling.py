"""Receipts are settled in the background, and pending ones are counted in the metrics."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from mappers import ids
from schemas.partner import Partner, PartnerKind
from server.jobs.retention import Days, Retention
from server.observe.metrics import Metrics
from server.store import Store, collections, log, partners, read_progress, retractions, reviews
from server.store.collections import Collection
from server.store.item import Item
from server.store.retractions import Retraction

ID = "tool--346f90dd-04c0-4b38-9d6b-1f2a52a8a3c1"


@pytest.fixture
def store(migrated_store: Path, tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(f"sqlite:///{shutil.copy(migrated_store, tmp_path / 'hub.db')}")
    yield opened
    opened.close()


@pytest.fixture
def room(store: Store) -> Collection:
    """Add a room with an object that a bank read and that was then revoked."""
    with store.begin() as tx:
        room = collections.add(tx, "room", "Room")
        first = log.append(tx, room, [_tool("2026-01-01T00:00:00.000Z")]).first or 0
        partners.add(tx, Partner(name="bank", kind=PartnerKind.BANK, identity=ids.identity("bank")))
        collections.grant(tx, "bank", room, read=True)
        read_progress.record_reads(tx, [("bank", room.id, first)])
        gone = _tool("2026-02-01T00:00:00.000Z", revoked=True)
        at = log.append(tx, room, [gone]).first or 0
        retractions.retract(tx, {room: [Retraction(ID, at, gone.version or 0)]}, "mistaken")
    return room


def _tool(modified: str, *, revoked: bool = False) -> Item:
    created = "2026-01-01T00:00:00.000Z"
    common = {"type": "tool", "spec_version": "2.1", "id": ID, "created": created, "modified": modified, "name": "x"}
    return Item.of({**common, "revoked": revoked})


def _read_on(store: Store, room: Collection) -> None:
    with store.begin() as tx:
        read_progress.record_reads(tx, [("bank", room.id, log.last_added(tx, room) or 0)])


def _metrics(store: Store) -> dict[str, float]:
    lines = Metrics(store).page().decode().splitlines()
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if line[0] != "#")}


def test_receipts_of_partners_that_read_further_are_settled(store: Store, room: Collection) -> None:
    assert Retention(store, Days()).settle() == 0
    _read_on(store, room)
    assert Retention(store, Days()).settle() == 1
    assert Retention(store, Days()).settle() == 0


def test_a_store_with_nothing_to_settle_is_not_written_to(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "begin", None)
    assert Retention(store, Days()).settle() == 0


def test_pending_receipts_are_counted_with_the_age_of_the_oldest(store: Store, room: Collection) -> None:
    with store.begin() as tx:
        reviews.hold(tx, "bank", [reviews.HeldObject(ID, 1, "a-rule", "")])
    found = _metrics(store)
    assert (found["scamfeed_receipts_open"], found["scamfeed_reviews_open"]) == (1, 1)
    assert 0 < found["scamfeed_receipts_oldest_seconds"] < 60
    assert 0 < found["scamfeed_reviews_oldest_seconds"] < 60
    _read_on(store, room)
    found = _metrics(store)
    assert (found["scamfeed_receipts_open"], found["scamfeed_receipts_oldest_seconds"]) == (0, 0)
