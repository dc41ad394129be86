"""Run real server processes with the settings and TLS options of a test."""

import os
import shutil
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest
import requests

from schemas.partner import Partner, PartnerKind
from server.store import Store, collections, partners
from server.store.collections import Collection
from server.store.credentials import Credentials
from tests.ports import free_port
from tests.processes import Forked, serve_hub

TAXII = "application/taxii+json;version=2.1"


@dataclass
class Hub:
    """A running server, a bank that may read and write one collection, and the server's store."""

    url: str
    process: Forked
    log: Path
    store: Store
    room: Collection
    bank: Credentials

    @property
    def objects(self) -> str:
        return f"{self.url}/feed/collections/{self.room.id}/objects/"

    def get(self, url: str = "", **more: Any) -> requests.Response:
        more.setdefault("auth", (self.bank.user, self.bank.password))
        return requests.get(url or self.objects, timeout=60, **more)

    def post(self, objects: list[dict[str, Any]], **more: Any) -> requests.Response:
        more.setdefault("auth", (self.bank.user, self.bank.password))
        body = orjson.dumps({"objects": objects})
        return requests.post(self.objects, body, headers={"Content-Type": TAXII}, timeout=60, **more)

    def workers(self) -> list[int]:
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(child) for child in children.split()]


Serve = Callable[..., Hub]


def eventually(true: Callable[[], bool], seconds: float = 60.0) -> None:
    """Wait until a condition holds."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def tool(**more: Any) -> dict[str, Any]:
    moment = "2026-01-01T00:00:00.000Z"
    return {"type": "tool", "spec_version": "2.1", "created": moment, "modified": moment, "name": "x", **more}


@pytest.fixture
def serve(migrated_store: Path, tmp_path: Path) -> Iterator[Serve]:
    """Start servers for one test."""
    with serving(migrated_store, tmp_path) as start:
        yield start


@pytest.fixture(scope="module")
def serve_all(migrated_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serve]:
    """Start one server for all tests of a module. No test may leave it in a changed state."""
    with serving(migrated_store, tmp_path_factory.mktemp("served")) as start:
        yield start


@contextmanager
def serving(template: Path, folder: Path) -> Iterator[Serve]:
    """Start servers on a store in ``folder`` and stop them afterwards. A missing store is copied from ``template``."""
    running: list[Hub] = []

    def start(*, workers: int = 1, tls: dict[str, Path] | None = None, **settings: Any) -> Hub:
        file = folder / "hub.db"
        if not file.exists():
            shutil.copy(template, file)
        database = f"sqlite:///{file}"
        store = Store.open(database)
        with store.begin() as tx:
            room = collections.add(tx, "room", "Room")
            bank = partners.add(
                tx,
                Partner(
                    name="bank",
                    kind=PartnerKind.BANK,
                    identity="identity--11111111-1111-4111-8111-111111111111",
                    vouched=True,
                ),
            )
            collections.grant(tx, "bank", room, read=True, write=True)
        port = free_port()
        log = folder / "log"
        log.write_bytes(b"")
        asked = {"database_url": database, **settings}
        process = Forked(serve_hub, asked, port, workers, 8, "%(name)s %(message)s", tls, log=log)
        scheme = "https" if tls else "http"
        hub = Hub(f"{scheme}://127.0.0.1:{port}", process, log, store, room, bank)
        running.append(hub)

        def listens() -> bool:
            assert process.poll() is None, log.read_text()
            with socket.socket() as trying:
                return trying.connect_ex(("127.0.0.1", port)) == 0 and len(hub.workers()) == workers

        eventually(listens, 60)
        return hub

    yield start
    for hub in running:
        hub.store.close()
        if hub.process.poll() is None:
            os.kill(hub.process.pid, signal.SIGTERM)
        hub.process.wait(60)
