"""A full disk is detected before the next write fails."""

import os
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from server.observe import probes
from server.observe.readiness import Readiness
from server.store import Store
from server.store.database.engine import DiskSpace

GIB = 1 << 30


def disk(free: int, size: int = 100 * GIB, files: int = 1_000, files_free: int = 10) -> SimpleNamespace:
    return SimpleNamespace(
        f_bavail=free // 4096, f_blocks=size // 4096, f_frsize=4096, f_files=files, f_favail=files_free
    )


@pytest.mark.parametrize(
    ("state", "there"),
    [
        (disk(GIB), True),
        (disk(65 << 20), True),
        (disk(63 << 20), False),
        (disk(0), False),
        (disk(2 << 20, 20 << 20), True),
        (disk(1 << 19, 20 << 20), False),
        (disk(GIB, files_free=0), False),
        (disk(GIB, files=0, files_free=0), True),
    ],
)
def test_little_free_space_counts_as_a_full_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: SimpleNamespace, there: bool
) -> None:
    monkeypatch.setattr(os, "statvfs", lambda folder: state)
    assert DiskSpace(str(tmp_path)).has_space() is there


def test_unwritable_disk_counts_as_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert DiskSpace(str(tmp_path)).has_space()
    assert not DiskSpace(str(tmp_path / "nowhere")).has_space()

    def full(**_: Any) -> Any:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    assert not DiskSpace(str(tmp_path)).has_space()


def test_a_hub_on_a_full_disk_is_not_ready(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store.open(f"sqlite:///{tmp_path / 'hub.db'}")
    assert probes.ready(Readiness(store), store, DiskSpace(str(tmp_path)))[0] == 503
    store.migrate()
    assert probes.ready(Readiness(store), store, DiskSpace(str(tmp_path))) == (200, {"status": "ok"})
    assert probes.ready(Readiness(store), store, DiskSpace(str(tmp_path / "nowhere"))) == (503, {"status": "disk full"})
    store.close()
    fresh = Store.open(f"sqlite:///{tmp_path / 'hub.db'}")
    monkeypatch.setattr(os, "statvfs", lambda folder: disk(0))
    assert probes.ready(Readiness(fresh), fresh, DiskSpace(str(tmp_path))) == (503, {"status": "disk full"})
    assert list(tmp_path.glob("scamfeed-collection-*")) == []
    fresh.close()
