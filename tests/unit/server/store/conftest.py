"""A new store for each test, on SQLite and on PostgreSQL, with a collection for objects."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.store import Store, collections
from server.store.collections import Collection
from tests.postgres import Postgres


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def empty_url(database: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Return the URL of an empty database without tables."""
    if database == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
        return
    server: Postgres = request.getfixturevalue("postgres")
    name = server.database()
    yield server.url(name)
    server.drop(name)


@pytest.fixture
def url(database: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Return the URL of a separate database with the tables for this test."""
    if database == "sqlite":
        template: Path = request.getfixturevalue("migrated_store")
        yield f"sqlite:///{shutil.copy(template, tmp_path / 'store.db')}"
        return
    server: Postgres = request.getfixturevalue("postgres")
    name = server.database(request.getfixturevalue("postgres_template"))
    yield server.url(name)
    server.drop(name)


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    opened = Store.open(url)
    yield opened
    opened.close()


@pytest.fixture
def collection(store: Store) -> Collection:
    with store.begin() as tx:
        return collections.add(tx, "collection", "Collection")
