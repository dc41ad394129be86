"""A fresh store for each test, and objects to put into it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from server.store import Store, collections
from server.store.collections import Collection


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'store.db'}"


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    opened = Store.open(url)
    opened.migrate()
    yield opened
    opened.close()


@pytest.fixture
def room(store: Store) -> Collection:
    with store.begin() as tx:
        return collections.add(tx, "room", "Room")
