"""``file-pull`` with a folder as the peer."""

import os
import time
from pathlib import Path
from typing import Any

import pytest

from feeds.connector import Misconfigured
from feeds.readers.columns.custom_names import CustomNames, current_custom_names
from server.store import Store
from tests.contract.connectors.contract import PARTNER
from tests.contract.connectors.pulls import PullContract
from tests.running import run


class TestFilePull(PullContract):
    connector = "file-pull"
    hours = 0.0

    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = tmp_path / "drop"
        self.folder.mkdir()
        self.patch = monkeypatch
        self.open = Path.open

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
        at = time.time() + self.hours * 3600
        os.utime(file, (at, at))

    def prepare_with_a_bad_one(self, store: Store) -> None:
        (self.folder / "bad.txt").write_text("a.example.com\nwhat is this\nb.example.com\n")

    def prepare_with_a_shapeless_one(self, store: Store) -> None:
        (self.folder / "bad.json").write_text('[{"domain": "a.example.com"}, true, {"domain": "b.example.com"}]')

    def break_credentials(self) -> None:
        for file in self.folder.iterdir():
            file.unlink()
        self.folder.rmdir()

    def kill_peer(self) -> None:
        # What a network drive that went away looks like.
        self._fail(OSError(5, "Input/output error"))

    def silence_peer(self) -> None:
        self._fail(TimeoutError(110, "Connection timed out"))

    def revive_peer(self) -> None:
        self.patch.setattr(Path, "open", self.open)

    def turn_clock(self, monkeypatch: pytest.MonkeyPatch, hours: float) -> None:
        self.hours = hours

    def _fail(self, error: OSError) -> None:
        whole = self.open

        def broken(path: Path, *args: Any, **more: Any) -> Any:
            if path.parent == self.folder:
                raise error
            return whole(path, *args, **more)

        self.patch.setattr(Path, "open", broken)

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

    def test_what_is_no_record_is_named(self) -> None:
        with pytest.raises(Misconfigured, match=r"record: there are sighting, "):
            self.feed(record="rumour")
        with pytest.raises(Misconfigured, match="records are read from"):
            self.feed(record="sighting", format="hosts")
