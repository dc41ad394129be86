"""A migrated store with the default collections on each database, and its hub."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from server.features.trends import counts
from server.features.trends.fold import fold_all
from server.release.hub import Hub
from server.store import Store
from tests.postgres import Postgres
from tests.unit.server.release.hubs import hub_on

EVER = (0, 100_000)


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    if request.param == "sqlite":
        opened = Store.open(f"sqlite:///{shutil.copy(request.getfixturevalue('initial_store'), tmp_path / 'hub.db')}")
        yield opened
        opened.close()
        return
    server: Postgres = request.getfixturevalue("postgres")
    name = server.database(request.getfixturevalue("postgres_initial"))
    opened = Store.open(server.url(name))
    yield opened
    opened.close()
    server.drop(name)


@pytest.fixture
def hub(store: Store) -> Hub:
    return hub_on(store)


@pytest.fixture
def figure(hub: Hub) -> Callable[..., dict[str, int]]:
    """Fold new rows, and return a figure's counts by the words of a dimension."""

    def read(name: str, dimension: str = "") -> dict[str, int]:
        fold_all(hub)
        with hub.store.read() as tx:
            found = counts.sums(tx, name, dimension, *EVER)
        return {word: number for word, number in found.items() if number}

    return read
