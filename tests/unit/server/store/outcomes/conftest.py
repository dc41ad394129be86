"""One store for all examples of a property."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.store import Store


@pytest.fixture(scope="module")
def migrated(migrated_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    store = Store.open(f"sqlite:///{shutil.copy(migrated_store, tmp_path_factory.mktemp('totals') / 'store.db')}")
    yield store
    store.close()
