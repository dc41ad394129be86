"""Servers started like an operator's, by the command line: on each database, over http and over https."""

import contextlib
import json
import os
import ssl
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from server.cli.program import app
from server.store import Store, collections
from tests.conformance.authority import Pem, issue
from tests.conformance.peer import Peer, basic
from tests.ports import free_port
from tests.postgres import Postgres
from tests.processes import Forked, scamfeed


@dataclass(frozen=True)
class Database:
    """A store with the partners of these tests, and their credentials."""

    url: str
    store: Store
    partners: dict[str, dict[str, str]]
    room: str


@dataclass(frozen=True)
class Deployment:
    """A running server. ``member`` reads and writes, ``reader`` and ``writer`` do one, ``outsider`` neither."""

    address: tuple[str, int]
    tls: ssl.SSLContext | None
    database: Database
    process: Forked
    log: Path
    pem: Pem | None
    known: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Return its address."""
        return f"{'http' if self.tls is None else 'https'}://127.0.0.1:{self.address[1]}"

    @property
    def verify(self) -> str | bool:
        """Return the authority that verifies it."""
        return True if self.pem is None else str(self.pem.authority)

    def peer(self, name: str) -> Peer:
        """Connect as one of the partners."""
        told = self.database.partners[name]
        return Peer(self.address, self.tls, basic(told["user"], told["password"]))

    def collection(self) -> str:
        """Make an empty collection with the same rights, and return its id."""
        alias = f"room-{uuid.uuid4().hex[:12]}"
        with self.database.store.begin() as tx:
            made = collections.add(tx, alias, f"Room {alias}")
            for name, read, write in (("member", True, True), ("reader", True, False), ("writer", False, True)):
                collections.grant(tx, self.database.partners[name]["user"], made, read=read, write=write)
        self.known[made.id] = alias
        return made.id


def prepare(url: str) -> Database:
    """Set up a store by the command line."""
    run(url, "init")
    room = run(url, "collection", "add", "room", "--title", "Room", "--exchange")["id"]
    grants = {
        "member": ["--read", "room", "--write", "room"],
        "reader": ["--read", "room"],
        "writer": ["--write", "room"],
        "outsider": [],
    }
    told = {
        name: run(url, "partner", "add", name, "--kind", "bank", "--vouched", *more) for name, more in grants.items()
    }
    return Database(url, Store.open(url), told, room)


def run(url: str, *command: str) -> Any:
    """Run a scamfeed command in this process, which has it loaded already, and return its output."""
    done = CliRunner().invoke(app, [*command, "--json"], env={"SCAMFEED_DATABASE_URL": url}, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


@contextlib.contextmanager
def serve(database: Database, folder: Path, pem: Pem | None) -> Iterator[Deployment]:
    """Serve the database until the test ends, and check that the server exits with success."""
    port = free_port()
    command = ["serve", "--port", str(port), "--workers", "1", "--no-scheduler"]
    tls = None
    if pem is not None:
        command += ["--tls-cert", str(pem.certificate), "--tls-key", str(pem.key)]
        tls = ssl.create_default_context(cafile=str(pem.authority))
    log = folder / f"{port}.log"
    server = Forked(scamfeed, *command, log=log, environment={**os.environ, "SCAMFEED_DATABASE_URL": database.url})
    running = Deployment(("127.0.0.1", port), tls, database, server, log, pem)
    try:
        _wait(running)
        yield running
    finally:
        server.terminate()
        ended = server.wait(60)
    assert ended == 0, log.read_text()


class Servers:
    """The requested servers, each started once."""

    # Every test uses both schemes and both databases.
    NAMES = ("http-sqlite", "https-postgresql")

    def __init__(self, folder: Path, stack: contextlib.ExitStack) -> None:
        """Store the files of the servers in ``folder``, and stop the servers with ``stack``."""
        self._folder = folder
        self._stack = stack
        self._databases: dict[str, Database] = {}
        self._running: dict[str, Deployment] = {}

    def get(self, name: str) -> Deployment:
        """Return the server with one of the names."""
        if name not in self._running:
            scheme, _, kind = name.partition("-")
            if kind not in self._databases:
                made = self._databases[kind] = prepare(self._url(kind))
                self._stack.callback(made.store.close)
            pem = issue(self._folder) if scheme == "https" else None
            self._running[name] = self._stack.enter_context(serve(self._databases[kind], self._folder, pem))
        return self._running[name]

    def _url(self, kind: str) -> str:
        if kind == "sqlite":
            return f"sqlite:///{self._folder / 'hub.db'}"
        server = Postgres()
        self._stack.callback(server.remove)
        server.start()
        return server.url(server.database())


def _wait(running: Deployment) -> None:
    deadline = time.monotonic() + 120
    while True:
        with contextlib.suppress(OSError, HTTPException):
            if running.peer("member").anonymous().send("GET", "/health").status == 200:
                return
        assert running.process.poll() is None, running.log.read_text()
        assert time.monotonic() < deadline, running.log.read_text()
        time.sleep(0.1)
