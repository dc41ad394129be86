"""A fast connection's cache is valid until the database changes, and for at most a second."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from server.store import Store, collections
from server.store.objects import fast_reads
from server.store.objects.fast_reads import FastStore, remembered


@pytest.fixture
def store(migrated_store: Path, tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(f"sqlite:///{shutil.copy(migrated_store, tmp_path / 'store.db')}")
    with opened.begin() as tx:
        collections.add(tx, "room", "Room")
    yield opened
    opened.close()


class Titles:
    """Reads the title of the room, and counts the reads."""

    def __init__(self, store: Store) -> None:
        self.read = 0
        self._fast = FastStore(store, 1.0)

    def title(self, alias: str = "room") -> str | None:
        with self._fast.read() as tx:

            def find() -> str | None:
                self.read += 1
                row = tx.execute(text("SELECT title FROM collections WHERE alias = :alias"), {"alias": alias}).first()
                return None if row is None else str(row[0])

            return remembered(tx, ("title", alias), find)

    def close(self) -> None:
        self._fast.close()


@pytest.fixture
def titles(store: Store) -> Iterator[Titles]:
    made = Titles(store)
    yield made
    made.close()


def rename(store: Store, title: str) -> None:
    with store.begin() as tx:
        tx.execute(text("UPDATE collections SET title = :title"), {"title": title})


def test_unchanged_value_is_read_once(titles: Titles) -> None:
    assert [titles.title() for _ in range(5)] == ["Room"] * 5
    assert titles.read == 1


def test_a_change_is_seen_by_the_next_view(store: Store, titles: Titles) -> None:
    for number in range(3):
        rename(store, f"Room {number}")
        assert titles.title() == f"Room {number}"


def test_missing_value_is_looked_up_each_time(titles: Titles) -> None:
    assert [titles.title("nowhere") for _ in range(3)] == [None] * 3
    assert titles.read == 3


def test_cache_lives_no_longer_than_expired_credentials_may(titles: Titles, monkeypatch: pytest.MonkeyPatch) -> None:
    moment = [1_000.0]
    monkeypatch.setattr(fast_reads.time, "monotonic", lambda: moment[0])
    titles.title()
    moment[0] += 1.1
    titles.title()
    assert titles.read == 2


def test_view_from_before_a_change_keeps_its_state(store: Store) -> None:
    fast = FastStore(store)
    reading = text("SELECT title FROM collections")
    with fast.read() as tx:
        before = remembered(tx, "first", lambda: "asked")
        rename(store, "Other")
        seen = remembered(tx, "title", lambda: tx.execute(reading).scalar())
    with fast.read() as tx:
        after = remembered(tx, "title", lambda: tx.execute(reading).scalar())
    fast.close()
    assert (before, seen, after) == ("asked", "Room", "Other")


def test_a_store_of_another_kind_reads_each_time(store: Store) -> None:
    numbers = iter((1, 2))
    with store.read() as tx:
        assert [remembered(tx, "number", numbers.__next__) for _ in range(2)] == [1, 2]
