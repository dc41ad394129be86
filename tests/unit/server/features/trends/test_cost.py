"""A day's figures cost the same on a hub of any size: a step reads the new rows, and rows of the same values."""

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from schemas.partner import Partner
from server.features.trends.fold import fold_all
from server.release.hub import Hub
from server.store import Store

_NEW = 20


@pytest.fixture(params=["sqlite"])
def store(initial_store: Path, tmp_path: Path) -> Iterator[Store]:
    file = tmp_path / "hub.db"
    file.write_bytes(initial_store.read_bytes())
    opened = Store.open(f"sqlite:///{file}")
    yield opened
    opened.close()


class Steps:
    """Counts the steps of SQLite's virtual machine, in hundreds."""

    def __init__(self, store: Store) -> None:
        self.hundreds = 0
        event.listen(store._engine, "checkout", self._watch)

    def _watch(self, connection: sqlite3.Connection, *_: Any) -> None:
        connection.set_progress_handler(self._count, 100)

    def _count(self) -> int:
        self.hundreds += 1
        return 0


@pytest.mark.long
def test_the_cost_of_new_reports_does_not_grow_with_the_hub(
    hub: Hub, bank: Partner, stix: Callable[..., list[dict[str, Any]]], post: Any
) -> None:
    steps = Steps(hub.store)

    def report(first: int, last: int) -> None:
        post(*(stix(f"n{number}.example.com")[1] for number in range(first, last)))

    def cost(first: int) -> int:
        report(first, first + _NEW)
        before = steps.hundreds
        fold_all(hub)
        return steps.hundreds - before

    report(0, 100)
    fold_all(hub)
    small = cost(100)
    report(200, 3_200)
    fold_all(hub)
    assert cost(4_000) < small * 1.3
