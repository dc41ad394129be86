"""``file-pull`` with a folder as the peer."""

import os
import time
from pathlib import Path
from typing import Any

import pytest

from server.store import Store
from tests.contract.connectors.contract import PARTNER
from tests.contract.connectors.pulls import PullContract


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

    def break_credentials(self) -> None:
        for each in self.folder.iterdir():
            each.unlink()
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
