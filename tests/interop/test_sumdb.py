"""The served ledger, read by the packages of Go's checksum database, over HTTP: they know nothing of Scamfeed."""

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

# Where Debian has Go's packages.
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
    """A hub in a folder that serves a log, and the program that reads it by a partner's token."""

    folder: Path
    url: str
    token: str
    key: str
    program: Path

    def check(self) -> subprocess.CompletedProcess[str]:
        """Check the log as it is served now, which has to go on from how it was when it was checked last."""
        log, state = f"{self.url}/feed/collections/takedown/log/", self.folder / "head.note"
        command = [self.program, "-log", log, "-key", self.key, "-state", state]
        environment = {**os.environ, "TOKEN": self.token}
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)

    def change_entry(self, index: int) -> None:
        """Change a bit of an entry, as whoever has the database can."""
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
        """Copy a database of the folder over another, while the hub runs."""
        with (
            closing(sqlite3.connect(self.folder / source)) as original,
            closing(sqlite3.connect(self.folder / target)) as copy,
        ):
            original.backup(copy)


@pytest.fixture
def read_log(program: Path, tmp_path: Path) -> Iterator[ReadLog]:
    """Serve a hub that has published 300 domains, which a reader may read."""
    scamfeed(tmp_path, "init")
    scamfeed(tmp_path, "partner", "add", "Example Bank", "--kind", "bank")
    reader = scamfeed(tmp_path, "partner", "add", "Reader", "--kind", "platform", "--read", "takedown")
    publish_domains(tmp_path, 300)
    with running(tmp_path) as url:
        keys = [key["key"] for key in scamfeed(tmp_path, "log", "status")["keys"]]
        [key] = [key for key in keys if key.partition("+")[0].endswith("/log")]
        yield ReadLog(tmp_path, url, reader["token"], key, program)


def test_sumdb_proves_each_entry_and_that_the_log_goes_on_and_finds_a_rollback_and_an_altered_tile(
    read_log: ReadLog,
) -> None:
    first = read_log.check()
    assert first.returncode == 0, first.stderr
    assert first.stdout.endswith("entries proven, which go on from 0\n")
    size = int(first.stdout.split()[1])
    assert size >= 300

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
        # Of a full tile the proof of the entry finds it first: this reader leaves some of these unchecked.
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
