"""``file-pull`` with a folder as the peer."""

import time
from pathlib import Path
from typing import Any

import pytest

from feeds.connector import Misconfigured
from feeds.readers.columns.word_tables import CustomNames, current_custom_names
from server.store import Store
from tests.contract.connectors.contract import PARTNER, kept_checkpoint
from tests.contract.connectors.folder_faults import FolderFaults
from tests.contract.connectors.garbage import FILES
from tests.contract.connectors.pulls import PullContract
from tests.running import run


class TestFilePull(FolderFaults, PullContract):
    connector = "file-pull"
    url_gets_secret = False
    hours = 0.0

    def table(self, **more: Any) -> dict[str, Any]:
        return {
            "name": "tested",
            "connector": self.connector,
            "path": str(self.folder),
            "contribute_as": PARTNER,
            "batch": 3,
            **more,
        }

    def prepare(self, store: Store, count: int) -> None:
        lines = "".join(f"h{number}.example.com\n" for number in range(count))
        file = self.folder / f"{count}.txt"
        file.write_text(lines)
        self.date(file, time.time() + self.hours * 3600)

    def prepare_with_a_bad_one(self, store: Store) -> None:
        (self.folder / "bad.txt").write_text("a.example.com\nwhat is this\nb.example.com\n")

    def prepare_with_a_shapeless_one(self, store: Store) -> None:
        (self.folder / "bad.json").write_text('[{"domain": "a.example.com"}, true, {"domain": "b.example.com"}]')

    def turn_clock(self, monkeypatch: pytest.MonkeyPatch, hours: float) -> None:
        self.hours = hours

    def test_files_of_records_are_declared_by_a_setting(self, store: Store) -> None:
        self.prepare(store, 2)
        run(store, self.feed())
        (self.folder / "2.txt").unlink()
        (self.folder / "seen.csv").write_text(
            "kind,value,count\n" + "".join(f"domain,h{number}.example.com,3\n" for number in (0, 1, 2, 0))
        )
        feed = self.feed(name="seen", record="sighting")
        result = run(store, feed)
        assert (result.ending, result.read, result.accepted, result.reasons) == (
            "done",
            4,
            2,
            {"indicator-unknown": 1},
        )
        assert run(store, feed).read == 0

    def test_custom_column_names_are_read_at_each_run(self, store: Store, tmp_path: Path) -> None:
        names = tmp_path / "names.toml"
        (self.folder / "a.csv").write_text("wo;wann\nh0.example.com;2026-01-02\nh1.example.com;2026-01-03\n")
        feed = self.feed(columns=str(names))
        result = run(store, feed)
        assert (result.ending, result.read) == ("misconfigured", 0)
        assert "columns: " in str(result.error)
        names.write_text('[columns]\ndomain = ["wo"]\nreported_at = ["wann"]\n')
        assert run(store, feed).accepted == 2
        assert current_custom_names() == CustomNames()

    @pytest.mark.parametrize("garbage", FILES)
    def test_garbage_fails_the_feed_until_another_file_is_read(self, store: Store, garbage: str) -> None:
        self.prepare(store, 2)
        run(store, self.feed())
        before, checkpoint = self.arrived(store), kept_checkpoint(store)
        (self.folder / "garbage").write_bytes(FILES[garbage])
        for _ in range(2):
            result = run(store, self.feed())
            assert (result.ending, result.accepted) == ("try-later", 0)
            assert "garbage: " in str(result.error)
            assert (self.arrived(store), kept_checkpoint(store)) == (before, checkpoint)
        self.prepare(store, 3)
        result = run(store, self.feed())
        assert (result.ending, result.error) == ("done", None)
        assert result.reasons
        again = run(store, self.feed())
        assert (again.ending, again.read) == ("done", 0)

    def test_an_empty_list_is_no_failure(self, store: Store) -> None:
        (self.folder / "a.csv").write_text("domain,first_seen\n")
        (self.folder / "b.json").write_text("[]")
        result = run(store, self.feed())
        assert (result.ending, result.read, result.error) == ("done", 0, None)

    def test_malformed_record_is_named(self) -> None:
        with pytest.raises(Misconfigured, match=r"record: there are sighting, "):
            self.feed(record="rumour")
        with pytest.raises(Misconfigured, match="records are read from"):
            self.feed(record="sighting", format="hosts")
