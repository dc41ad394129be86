import hashlib
import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from server.features.evidence import files
from server.features.evidence.files import EvidenceFile, FilePlace
from server.store import Store

HASH = "ab" * 32


@pytest.fixture
def file(store: Store) -> EvidenceFile:
    with store.begin() as tx:
        added = files.add(tx, "bank", HASH, 9, "text/plain")
        files.link(tx, added.id, "1:indicator--1")
        return added


def test_repeated_file_is_one_per_partner(store: Store, file: EvidenceFile) -> None:
    with store.begin() as tx:
        assert files.add(tx, "bank", HASH, 9, "text/plain").id == file.id
        other = files.add(tx, "police", HASH, 9, "text/plain")
        assert other.id != file.id
        assert files.link(tx, file.id, "1:grouping--1")
        assert not files.link(tx, file.id, "1:grouping--1")
        assert files.objects_of(tx, file.id) == ["1:grouping--1", "1:indicator--1"]
        assert [found.id for found in files.readable(tx, "bank", HASH)] == [file.id]
        assert {found.id for found in files.all_files(tx)} == {file.id, other.id}


def test_files_are_available_only_after_a_hand_over(store: Store, file: EvidenceFile) -> None:
    with store.begin() as tx:
        assert files.readable(tx, "police", HASH) == []
        assert files.open_to(tx, "1:indicator--1", "police", "Anna")
        assert not files.open_to(tx, "1:indicator--1", "police", "Anna")
        files.open_to(tx, "1:indicator--2", "telecom", "Anna")
        assert [found.id for found in files.readable(tx, "police", HASH)] == [file.id]
        assert files.readable(tx, "telecom", HASH) == []
        assert files.close_to(tx, "1:indicator--1", "police")
        assert files.readable(tx, "police", HASH) == []


def test_custody_is_a_verifiable_chain(store: Store, file: EvidenceFile) -> None:
    with store.begin() as tx:
        files.note(tx, file, "Anna", "added")
        files.note(tx, file, "อรุณ", "given", "police")
        before = bytes(32)
        for entry in files.custody(tx, file.id):
            parts = [HASH, entry.number, entry.at, entry.by, entry.action, entry.partner]
            sealed = json.dumps(parts, separators=(",", ":"), ensure_ascii=False).encode()
            before = hashlib.sha256(before + sealed).digest()
            assert entry.hash == before.hex()
        assert [entry.action for entry in files.custody(tx, file.id)] == ["added", "given"]


def test_concurrent_entries_follow_each_other(store: Store, file: EvidenceFile) -> None:
    def note(number: int) -> None:
        with store.begin() as tx:
            files.note(tx, file, f"person {number}", "given", "police")

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(note, range(8)))
    with store.read() as tx:
        assert [entry.number for entry in files.custody(tx, file.id)] == list(range(1, 9))


def test_file_is_stored_once_and_its_key_deleted_with_its_last_report(store: Store, file: EvidenceFile) -> None:
    with store.begin() as tx:
        assert files.store(tx, file.id, "place", b"key")
        assert not files.store(tx, file.id, "another", b"key")
        assert files.stored_bytes(tx, "bank") == 9
        files.note(tx, file, "Anna", "added")
        assert files.forget_unlinked(tx) == 0
        tx.execute(files.evidence_links.delete())
        assert files.forget_unlinked(tx) == 1
        assert files.all_files(tx) == []
        assert files.custody(tx, file.id) == []
        assert files.leftovers(tx) == ["place"]
        files.end_leftovers(tx, ["place"])
        assert files.leftovers(tx) == []


def test_old_files_are_deleted(store: Store, file: EvidenceFile) -> None:
    with store.begin() as tx:
        assert files.forget(tx, before=file.added) == 0
        assert files.forget(tx, before=file.added + 1) == 1
        assert files.objects_of(tx, file.id) == []


def test_accessible_files_are_listed_page_by_page(store: Store, file: EvidenceFile) -> None:
    with store.begin() as tx:
        own = [files.add(tx, "police", f"{number:064}", 9, "text/plain") for number in range(3)]
        files.add(tx, "telecom", HASH, 9, "text/plain")
        files.open_to(tx, "1:indicator--1", "police", "Anna")
        expected = {file.id, *(mine.id for mine in own)}
        seen: list[EvidenceFile] = []
        while page := files.open_files(tx, "police", 2, after=FilePlace(seen[-1].added, seen[-1].id) if seen else None):
            seen += page
        assert len(seen) == 4
        assert {found.id for found in seen} == expected
        assert len(files.all_files(tx, after=FilePlace(file.added, file.id))) == 0
