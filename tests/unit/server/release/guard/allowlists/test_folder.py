"""An updated list stands in the place of the one that came with the program, whole or not at all."""

import gzip
import time
from pathlib import Path

import pytest

from schemas.errors import Rejected
from schemas.tabular import ReportReader
from server.release.guard.allowlists import folder, lookup
from server.release.guard.allowlists.catalogue import ALLOWLISTS
from server.release.guard.allowlists.index import AllowlistIndex

SITES = ALLOWLISTS["local-sites"]


def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    written = folder.write(tmp_path / "new", SITES, b"one.example\ntwo.example\n")
    assert written == folder.read(SITES, tmp_path / "new")
    assert written.entries == ("one.example", "two.example")
    assert (
        folder.read(ALLOWLISTS["bank-website"], tmp_path / "new").entries
        == folder.read(ALLOWLISTS["bank-website"]).entries
    )


def test_a_list_may_be_packed(tmp_path: Path) -> None:
    assert folder.write(tmp_path, SITES, gzip.compress(b"one.example\n")).entries == ("one.example",)


def test_what_unpacks_to_more_than_any_list_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Rejected, match="list-form"):
        folder.write(tmp_path, SITES, gzip.compress(bytes(folder.MAX_BYTES + 1)))


@pytest.mark.parametrize("content", [b"", b"\x1f\x8bnothing", b"<html>"])
def test_what_is_refused_leaves_the_list_as_it_was(tmp_path: Path, content: bytes) -> None:
    before = folder.write(tmp_path, SITES, b"one.example\n")
    with pytest.raises(Rejected):
        folder.write(tmp_path, SITES, content)
    assert folder.read(SITES, tmp_path) == before
    assert [each.name for each in tmp_path.iterdir()] == ["local-sites.txt.gz"]


def test_a_list_that_lost_most_of_its_entries_has_to_be_meant(tmp_path: Path) -> None:
    folder.write(tmp_path, SITES, b"one.example\ntwo.example\nthree.example\n")
    with pytest.raises(Rejected, match="list-shrunk"):
        folder.write(tmp_path, SITES, b"one.example\n")
    assert folder.write(tmp_path, SITES, b"one.example\n", may_shrink=True).entries == ("one.example",)


def test_an_index_has_what_is_updated_and_what_is_not(tmp_path: Path) -> None:
    folder.write(tmp_path, ALLOWLISTS["local-owned"], b"bank.example\n")
    index = AllowlistIndex(tmp_path)
    assert index.owned["bank.example"].name == "local-owned"
    assert index.owned.keys() > AllowlistIndex().owned.keys()


def test_a_process_sees_an_update_soon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report = ReportReader({"reporter": "Example Bank", "reported_at": "2026-10-01T08:00:00.000Z"}).report(
        {"kind": "domain", "value": "shop.example.com"}
    )
    lookup.use(tmp_path)
    try:
        assert lookup.check(report) is None
        folder.write(tmp_path, SITES, b"shop.example.com\n")
        later = time.monotonic() + 10
        monkeypatch.setattr("time.monotonic", lambda: later)
        found = lookup.check(report)
        assert found is not None
        assert found.list == "local-sites"
    finally:
        lookup.use(None)
