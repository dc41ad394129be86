"""Access to evidence is recorded, and repeated requests cannot fill the record."""

import pytest

from server.features.evidence import desk, files
from server.features.evidence.desk import UnknownEvidence
from server.store import Store

HASH = "ab" * 32


def test_repeated_access_is_recorded_once_an_hour(store: Store) -> None:
    with store.begin() as tx:
        file = files.add(tx, "bank", HASH, 9, "text/plain")
        files.link(tx, file.id, "1:indicator--1")
        files.store(tx, file.id, "place", b"key")
        files.open_to(tx, "1:indicator--1", "police", "Anna")
    for address in ("192.0.2.1",) * 3 + ("192.0.2.2",) * 3:
        with store.begin() as tx:
            assert desk.give(tx, HASH, "police", address).file.id == file.id
    with store.begin() as tx:
        assert [entry.by for entry in files.custody(tx, file.id)] == ["192.0.2.1", "192.0.2.2"]
        tx.execute(files.evidence_custody.update().values(at=files.evidence_custody.c.at - 3_600_000_001))
        desk.give(tx, HASH, "police", "192.0.2.2")
        assert len(files.custody(tx, file.id)) == 3
        with pytest.raises(UnknownEvidence):
            desk.give(tx, HASH, "telecom", "192.0.2.2")
