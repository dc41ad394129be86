"""A folder of files as the peer of a pull, and its faults."""

import os
from pathlib import Path
from typing import Any

import pytest


class FolderFaults:
    """The folder ``drop``. A broken network drive is simulated by errors when its files are opened."""

    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = tmp_path / "drop"
        self.folder.mkdir()
        self.patch = monkeypatch
        self.open = Path.open

    def date(self, file: Path, at: float) -> None:
        """Set the time of a file, in seconds."""
        os.utime(file, (at, at))

    def break_credentials(self) -> None:
        for file in self.folder.iterdir():
            file.unlink()
        self.folder.rmdir()

    def kill_peer(self) -> None:
        # The effect of a disconnected network drive.
        self._fail(OSError(5, "Input/output error"))

    def silence_peer(self) -> None:
        self._fail(TimeoutError(110, "Connection timed out"))

    def revive_peer(self) -> None:
        self.patch.setattr(Path, "open", self.open)

    def _fail(self, error: OSError) -> None:
        whole = self.open

        def broken(path: Path, *args: Any, **more: Any) -> Any:
            if path.parent == self.folder:
                raise error
            return whole(path, *args, **more)

        self.patch.setattr(Path, "open", broken)
