"""A hub whose operators have something to do."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from server.release.hub import Hub
from server.store import Store, audit
from server.store.audit import AuditEvent

EventsBy = Callable[[str], list[AuditEvent]]


@pytest.fixture
def hub(desk_store: Path, tmp_path: Path) -> Iterator[Hub]:
    store = Store.open(f"sqlite:///{shutil.copy(desk_store, tmp_path / 'hub.db')}")
    yield Hub(store)
    store.close()


@pytest.fixture
def events_by(hub: Hub) -> EventsBy:
    """Return a function that returns the audit events of an actor."""

    def find(name: str) -> list[AuditEvent]:
        with hub.store.read() as tx:
            return [entry.event for entry in audit.tail(tx, 1_000) if entry.event.remote == name]

    return find
