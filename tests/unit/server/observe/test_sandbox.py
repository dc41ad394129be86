"""The sandbox's clock: one partner's reads take no room from another partner."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.features.sandbox.job import SandboxClock
from server.observe.observer import AnsweredRequest
from server.store import Store, StoreUnavailable
from server.store.sandbox import runs
from server.store.sandbox.runs import SandboxRead


@pytest.fixture
def store(initial_store: Path, tmp_path: Path) -> Iterator[Store]:
    store = Store.open(f"sqlite:///{shutil.copy(initial_store, tmp_path / 'hub.db')}")
    yield store
    store.close()


def read(partner: str, up_to: int) -> AnsweredRequest:
    return AnsweredRequest(partner, "GET", "objects", "c", 200, 0.1, 0, 1, up_to, "", None, up_to - 1, "client")


def test_reads_of_one_partner_take_no_room_from_others(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, noted = SandboxClock(store), list[SandboxRead]()
    for number in range(20_000):
        clock.note(read("Hasty Bank", number + 1))

    def busy(*_: object) -> None:
        raise StoreUnavailable("busy")

    monkeypatch.setattr(runs, "note_reads", busy)
    with pytest.raises(StoreUnavailable):
        clock.tick()
    clock.note(read("Hasty Bank", 30_000))
    clock.note(read("Second Bank", 1))
    monkeypatch.setattr(runs, "note_reads", lambda tx, reads: noted.extend(reads))
    clock.tick()
    assert [found.partner for found in noted].count("Hasty Bank") <= 1_000
    assert [found.up_to for found in noted if found.partner == "Second Bank"] == [1]
