"""A store with the default collections on each database."""

import pytest

from server.store import Store


@pytest.fixture
def store(either_store: Store) -> Store:
    return either_store
