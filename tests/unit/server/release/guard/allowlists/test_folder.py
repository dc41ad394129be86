"""An updated list replaces the bundled one completely or not at all."""

import gzip
import time
from pathlib import Path

import pytest

from schemas.errors import Rejected
from schemas.tabular import ReportReader
from server.release.guard.allowlists import folder
from server.release.guard.allowlists.catalogue import ALLOWLISTS, Allowlist
from server.release.guard.allowlists.folder import StoredList
from server.release.guard.allowlists.index import AllowlistIndex
from server.release.guard.allowlists.lookup import Allowlists

SITES = ALLOWLISTS["local-sites"]


def write(place: Path, allowlist: Allowlist, content: bytes, *, may_shrink: bool = False) -> StoredList:
    stored = folder.read_update(place, allowlist, content, may_shrink=may_shrink)
    folder.save(place, stored)
    return stored


def test_a_written_list_is_read_back(tmp_path: Path) -> None:
    written = write(tmp_path / "new", SITES, b"one.example\ntwo.example\n")
    assert written == folder.read(SITES, tmp_path / "new")
    assert written.entries == ("one.example", "two.example")
    assert (
        folder.read(ALLOWLISTS["bank-website"], tmp_path / "new").entries
        == folder.read(ALLOWLISTS["bank-website"]).entries
    )


def test_a_list_may_be_gzip(tmp_path: Path) -> None:
    assert write(tmp_path, SITES, gzip.compress(b"one.example\n")).entries == ("one.example",)


def test_a_file_that_unpacks_beyond_the_limit_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Rejected, match="list-form"):
        write(tmp_path, SITES, gzip.compress(bytes(folder.MAX_BYTES + 1)))


@pytest.mark.parametrize("content", [b"", b"\x1f\x8bnothing", b"<html>"])
def test_a_refused_file_leaves_the_list_unchanged(tmp_path: Path, content: bytes) -> None:
    before = write(tmp_path, SITES, b"one.example\n")
    with pytest.raises(Rejected):
        write(tmp_path, SITES, content)
    assert folder.read(SITES, tmp_path) == before
    assert [file.name for file in tmp_path.iterdir()] == ["local-sites.txt.gz"]


def test_a_list_that_lost_most_of_its_entries_needs_confirmation(tmp_path: Path) -> None:
    write(tmp_path, SITES, b"one.example\ntwo.example\nthree.example\n")
    with pytest.raises(Rejected, match="list-shrunk"):
        write(tmp_path, SITES, b"one.example\n")
    assert write(tmp_path, SITES, b"one.example\n", may_shrink=True).entries == ("one.example",)


def test_an_index_has_updated_and_bundled_lists(tmp_path: Path) -> None:
    write(tmp_path, ALLOWLISTS["local-owned"], b"bank.example\n")
    index = AllowlistIndex(tmp_path)
    assert index.owned["bank.example"].name == "local-owned"
    assert index.owned.keys() > AllowlistIndex().owned.keys()


def test_update_is_effective_within_seconds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report = ReportReader({"reporter": "Example Bank", "reported_at": "2026-05-01T08:00:00.000Z"}).report(
        {"kind": "domain", "value": "shop.example.com"}
    )
    lists = Allowlists(tmp_path)
    assert lists.match(report) is None
    write(tmp_path, SITES, b"shop.example.com\n")
    later = time.monotonic() + 60
    monkeypatch.setattr("time.monotonic", lambda: later)
    found = lists.match(report)
    assert found is not None
    assert found.list == "local-sites"
