"""The served ledger, read over HTTP by the packages of Go's checksum database, which do not know Scamfeed."""

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from hub import ROOT, publish_domains, running, scamfeed

# Folder of Debian's Go packages.
GOPATH = Path("/usr/share/gocode")
SUMDB = GOPATH / "src/golang.org/x/mod/sumdb"


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the program that reads a log, from Go's packages alone."""
    if shutil.which("go") is None or not SUMDB.is_dir():
        pytest.skip("Go or its sumdb is not there. As root: apt-get install golang-go golang-golang-x-mod-dev")
    built = tmp_path_factory.mktemp("program") / "sumdb"
    command = ["go", "build", "-o", str(built), "main.go"]
    environment = {**os.environ, "GO111MODULE": "off", "GOPATH": str(GOPATH), "GOTOOLCHAIN": "local", "GOFLAGS": ""}
    subprocess.run(command, cwd=ROOT / "tests/interop/sumdb", env=environment, check=True, timeout=600)
    return built


@dataclass(frozen=True)
class ReadLog:
    """A hub in a folder that serves a log, and the reader program with a partner's token."""

    folder: Path
    url: str
    token: str
    key: str
    log_key: str
    program: Path

    def check(self, key: str = "") -> subprocess.CompletedProcess[str]:
        """Check the current log, which must be consistent with the previous check."""
        log, state = f"{self.url}/feed/collections/takedown/log/", self.folder / "head.note"
        command = [self.program, "-log", log, "-key", key or self.key, "-state", state]
        environment = {**os.environ, "TOKEN": self.token}
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)

    def change_entry(self, index: int) -> None:
        """Flip a bit of an entry, as an attacker with database access can."""
        number, place = divmod(index, 256)
        with closing(sqlite3.connect(self.folder / "hub.db")) as database, database:
            [[collection]] = database.execute("SELECT number FROM collections WHERE alias = 'takedown'")
            of_span = (collection, number)
            asked = "SELECT entries FROM ledger_spans WHERE collection = ? AND number = ?"
            entries = bytearray(database.execute(asked, of_span).fetchone()[0])
            entries[place * 41 + 40] ^= 1
            change = "UPDATE ledger_spans SET entries = ? WHERE collection = ? AND number = ?"
            database.execute(change, (bytes(entries), *of_span))

    def copy(self, source: str, target: str) -> None:
        """Copy one database of the folder over another while the hub runs."""
        with (
            closing(sqlite3.connect(self.folder / source)) as original,
            closing(sqlite3.connect(self.folder / target)) as copy,
        ):
            original.backup(copy)


@pytest.fixture
def read_log(program: Path, tmp_path: Path) -> Iterator[ReadLog]:
    """Serve a hub with 300 published domains and a reader for them."""
    scamfeed(tmp_path, "init")
    scamfeed(tmp_path, "partner", "add", "Example Bank", "--kind", "bank", "--vouched")
    reader = scamfeed(tmp_path, "partner", "add", "Reader", "--kind", "platform", "--read", "takedown")
    publish_domains(tmp_path, 300)
    with running(tmp_path) as url:
        status = scamfeed(tmp_path, "log", "status")
        [log_key] = [log["key"] for log in status["logs"] if log["collection"] == "takedown"]
        yield ReadLog(tmp_path, url, reader["token"], status["keys"][0]["key"], log_key, program)


def test_sumdb_proves_entries_and_consistency_and_detects_rollback_and_altered_tile(
    read_log: ReadLog,
) -> None:
    first = read_log.check()
    assert first.returncode == 0, first.stderr
    assert first.stdout.endswith("entries proven, which go on from 0\n")
    size = int(first.stdout.split()[1])
    assert size >= 300
    # Only with this log's key, whose name is the first line of the head.
    assert read_log.check(read_log.log_key).returncode == 0
    assert first.stdout.startswith(f"{read_log.log_key.partition('+')[0]}: ")

    read_log.copy("hub.db", "backup.db")
    publish_domains(read_log.folder, 400)
    second = read_log.check()
    assert second.returncode == 0, second.stderr
    assert second.stdout.endswith(f"entries proven, which go on from {size}\n")
    grown = int(second.stdout.split()[1])
    assert grown >= size + 400

    for index in (0, grown - 1):
        read_log.change_entry(index)
        altered = read_log.check()
        assert (altered.returncode, altered.stdout) == (1, "")
        # For a full tile, the proof of the entry finds it first, because this reader leaves some tiles unchecked.
        assert "inconsistent tile" in altered.stderr or f"entry {index} is not the one in the tree" in altered.stderr
        read_log.change_entry(index)
    assert read_log.check().returncode == 0

    read_log.copy("backup.db", "hub.db")
    back = read_log.check()
    assert (back.returncode, back.stderr) == (1, f"the log went back from {grown} to {size} entries\n")
    publish_domains(read_log.folder, 450)
    another = read_log.check()
    assert another.returncode == 1
    assert "the log has another past than before" in another.stderr
