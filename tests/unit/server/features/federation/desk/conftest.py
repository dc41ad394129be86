"""A store on either database."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from server.store import Store
from tests.initial_stores import initial_url


@pytest.fixture(params=["sqlite", "postgresql"])
def either_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """Open a new store on SQLite, and on PostgreSQL."""
    store = Store.open(initial_url(request, tmp_path))
    yield store
    store.close()
