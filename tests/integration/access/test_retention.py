"""The server keeps its audit trail for the configured time."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from server.store import Store, audit
from server.store.audit import AuditEvent
from server.store.database.times import now
from tests.integration.access.conftest import Serve, eventually

DAY = 86_400 * 1_000_000


@pytest.fixture(autouse=True)
def _trail(migrated_store: Path, tmp_path: Path) -> None:
    """Give the test's store an audit trail with one entry a day for forty days."""
    store = Store.open(f"sqlite:///{shutil.copy(migrated_store, tmp_path / 'hub.db')}")
    row = AuditEvent(0, 0, 1, "bank", "192.0.2.1", "GET", "objects", None, 200, 1, None)
    moments = [now() - days * DAY for days in range(40, 0, -1)]
    with store.begin() as tx:
        audit.record(tx, [replace(row, first=moment, last=moment) for moment in moments])
    store.close()


def test_entries_older_than_the_retention_are_deleted(serve: Serve) -> None:
    hub = serve(workers=2, audit_days=30)

    def kept() -> int:
        with hub.store.read() as tx:
            return sum(entry.event.remote == "192.0.2.1" for entry in audit.tail(tx, 100))

    eventually(lambda: kept() == 29)
    with hub.store.read() as tx:
        assert audit.verify(tx) == []
        assert sum(entry.event.objects for entry in audit.tail(tx, 100) if entry.event.method == "FORGET") == 11
    hub.process.terminate()
    assert hub.process.wait(60) == 0
    assert "audit-retention-failure" not in hub.log.read_text()


def test_no_entry_is_deleted_without_a_retention_setting(serve: Serve) -> None:
    hub = serve()
    hub.get()
    hub.process.terminate()
    assert hub.process.wait(60) == 0
    with hub.store.read() as tx:
        assert sum(entry.event.remote == "192.0.2.1" for entry in audit.tail(tx, 100)) == 40
        assert audit.verify(tx) == []
