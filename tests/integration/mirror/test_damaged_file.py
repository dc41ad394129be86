"""The next sync sets a damaged mirror file aside and rebuilds it without an operator."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from feeds.client.mirror import schedule
from feeds.client.mirror.schedule import writing
from feeds.connector import Misconfigured
from tests.integration.mirror.conftest import MirroredScamfeed

_PAGE = 4_096


def _wipe_header(file: Path) -> None:
    with file.open("r+b") as opened:
        opened.write(bytes(100))


def _wipe_pages(file: Path) -> None:
    with file.open("r+b") as opened:
        opened.seek(2 * _PAGE)
        opened.write(b"\xa5" * (file.stat().st_size - 2 * _PAGE))


def _cut_off(file: Path) -> None:
    with file.open("r+b") as opened:
        opened.truncate(file.stat().st_size // 2)


@pytest.mark.parametrize("damage", [_wipe_header, _wipe_pages, _cut_off])
def test_next_sync_rebuilds_the_file(hub: MirroredScamfeed, damage: Callable[[Path], None]) -> None:
    hub.report("damaged.example.com")
    assert hub.sync().is_well
    damage(hub.file)
    assert hub.sync().is_well
    with hub.open() as mirror:
        assert mirror.check("damaged.example.com").found
    assert hub.file.with_name("mirror.db.damaged").exists()
    assert {file.name for file in hub.file.parent.glob("mirror.db-*")} <= {"mirror.db-wal", "mirror.db-shm"}
    before = hub.file.stat().st_ino
    assert hub.sync().is_well
    assert hub.file.stat().st_ino == before


def test_running_mirror_switches_to_the_new_file(hub: MirroredScamfeed) -> None:
    hub.report("followed.example.com")
    hub.sync()
    with hub.open() as mirror:
        assert mirror.check("followed.example.com").found
        _wipe_header(hub.file)
        hub.sync()
        mirror.follow_file()
        found = mirror.check("followed.example.com")
        assert (found.found, found.stale) == (True, False)


def test_damage_found_during_a_sync_rebuilds_the_file(hub: MirroredScamfeed, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.report("meanwhile.example.com")
    hub.sync()
    rounds, first = schedule._rounds, [True]

    def meet_it(*given: object) -> object:
        if first.pop() if first else False:
            error = sqlite3.DatabaseError("database disk image is malformed")
            error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
            raise error
        return rounds(*given)  # type: ignore[arg-type]  # as they came

    monkeypatch.setattr(schedule, "_rounds", meet_it)
    assert hub.sync().is_well
    assert not first
    with hub.open() as mirror:
        assert mirror.check("meanwhile.example.com").found
    with pytest.raises(sqlite3.OperationalError), writing(hub.settings("takedown")):
        raise sqlite3.OperationalError("the disk is full")


def test_foreign_file_is_left_unchanged(hub: MirroredScamfeed) -> None:
    hub.file.write_bytes(b"accounts of our customers" * 400)
    for _ in range(2):
        with pytest.raises(Misconfigured, match="cannot be used"):
            hub.sync()
    assert hub.file.read_bytes().startswith(b"accounts of our customers")
