"""Objects accepted with 202 are stored once and reach every reader once, during any kills.

Two nodes with two workers each serve one database. Workers, whole nodes and, on PostgreSQL, backends and the server
itself are killed at random moments. Clients post to and page through either node at random.
"""

import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import requests

from schemas.partner import Partner, PartnerKind
from server.store import Store, collections, log, partners
from server.store.objects.query import Query
from tests.ports import free_port
from tests.postgres import Postgres, PostgresMissing
from tests.processes import Forked, serve_hub

TAXII = "application/taxii+json;version=2.1"
WRITERS, KILLS = 3, 50
_chance = random.Random(20261124)  # noqa: S311  # nothing secret about it

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(sys.platform != "linux", reason="finds the server's workers through /proc"),
]


class Node:
    """One server with two workers on its own port."""

    def __init__(self, database: str, log_file: Path) -> None:
        self._database, self._log = database, log_file
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.start()

    def start(self) -> None:
        self.process = Forked(serve_hub, {"database_url": self._database}, self.port, 2, 8, log=self._log)

    def kill_a_worker(self) -> bool:
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        with suppress(OSError, IndexError):
            os.kill(int(_chance.choice(children.read_text().split())), signal.SIGKILL)
            return True
        return False

    def crash(self) -> None:
        """Kill the main process, and restart when its workers have noticed and released the port."""
        self.process.kill()
        self.process.wait(60)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                with suppress(OSError):
                    probe.bind(("127.0.0.1", self.port))
                    break
            time.sleep(0.05)
        self.start()

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(60)
            raise


class Hub:
    """Two nodes on one database, a partner, and a room that it reads and writes."""

    def __init__(self, database: str, folder: Path, postgres: Postgres | None) -> None:
        self.postgres, self.stop = postgres, threading.Event()
        self.store = Store.open(database)
        self.store.migrate()
        with self.store.begin() as tx:
            self.room = collections.add(tx, "room", "Room")
            self.other = collections.add(tx, "other", "Other")
            bank = Partner(name="bank", kind=PartnerKind.BANK, identity=f"identity--{uuid.uuid4()}", vouched=True)
            self.token = partners.add(tx, bank).token
            collections.grant(tx, "bank", self.room, read=True, write=True)
        self._logs = [folder / f"node-{number}.log" for number in (1, 2)]
        self.nodes = [Node(database, path) for path in self._logs]

    def wait(self) -> None:
        """Return when both nodes respond."""
        deadline = time.monotonic() + 90
        while any(self.ask("GET", node) is None for node in self.nodes):
            assert time.monotonic() < deadline, [path.read_text()[-2000:] for path in self._logs]
            time.sleep(0.1)

    def ask(self, method: str, node: Node | None = None, query: str = "", room: str = "room", **more: Any) -> Any:
        """Send one request to the named or any node. Return None if the node died or lacks its database."""
        headers = {"Authorization": f"Bearer {self.token}", "Accept": TAXII, "Content-Type": TAXII}
        url = f"{(node or _chance.choice(self.nodes)).url}/feed/collections/{room}/objects/{query}"
        try:
            answer = requests.request(method, url, headers=headers, timeout=60, **more)
            answer.json()
        except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError, ValueError):
            return None
        if answer.status_code == 503:
            return None
        return answer

    def close(self) -> None:
        self.stop.set()
        for node in self.nodes:
            node.stop()
        self.store.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def hub(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Hub]:
    postgres, database = None, f"sqlite:///{tmp_path / 'hub.db'}"
    if request.param == "postgresql":
        try:
            postgres = Postgres(durable=True)
        except PostgresMissing as error:
            pytest.skip(f"POSTGRESQL DID NOT RUN: {error}")
        postgres.start()
        database = postgres.url(postgres.database())
    try:
        running = Hub(database, tmp_path, postgres)
        try:
            running.wait()
            yield running
        finally:
            running.close()
    finally:
        if postgres is not None:
            postgres.remove()


class Writer(threading.Thread):
    """Posts envelopes, and repeats those without a response."""

    def __init__(self, hub: Hub) -> None:
        super().__init__(daemon=True)
        self._hub = hub
        self.acknowledged: list[str] = []

    def run(self) -> None:
        while not self._hub.stop.is_set():
            sent = [{"type": "url", "id": f"url--{uuid.uuid4()}", "value": "x"} for _ in range(_chance.randint(1, 12))]
            answer = None
            while answer is None:
                answer = self._hub.ask("POST", data=json.dumps({"objects": sent}))
            assert answer.json()["success_count"] == len(sent), answer.text
            self.acknowledged += [one["id"] for one in sent]


class Poller(threading.Thread):
    """Pages through ``next`` or, without ``follow``, by ``added_after`` alone, and repeats lost requests.

    With ``milliseconds``, it keeps at the end only the objects of the last ``date_added``.
    """

    def __init__(self, hub: Hub, limit: int, *, follow: bool = True, milliseconds: bool = False) -> None:
        super().__init__(daemon=True)
        self._hub, self._limit, self._follow, self._milliseconds = hub, limit, follow, milliseconds
        self.seen: list[str] = []
        self.finish = threading.Event()

    def run(self) -> None:
        place = ""
        while True:
            last_round = self.finish.is_set()
            answer = self._hub.ask("GET", query=f"?limit={_chance.randint(1, self._limit)}{place}")
            if answer is None:
                continue
            page = answer.json()
            self.seen += [one["id"] for one in page.get("objects", ())]
            if page.get("more") and self._follow:
                assert page["objects"]
                place = f"&next={page['next']}"
            elif "objects" in page:
                last = answer.headers["X-TAXII-Date-Added-Last"]
                place = f"&added_after={last[:23] + 'Z' if self._milliseconds else last}"
            elif last_round:
                return
            else:
                time.sleep(0.02)


def strike(hub: Hub, number: int) -> bool:
    """Kill one process: sometimes a node or the database, otherwise a worker or a database backend."""
    node = _chance.choice(hub.nodes)
    if hub.postgres is not None and number % 25 == 12:
        hub.postgres.kill()
        hub.postgres.start()
        return True
    if number % 25 == 24:
        node.crash()
        return True
    if hub.postgres is not None and number % 5 == 3:
        with suppress(Exception):  # it may be recovering from the last one
            os.kill(_chance.choice(hub.postgres.backends()), signal.SIGKILL)
            return True
        return False
    return node.kill_a_worker()


def test_random_kills_lose_and_duplicate_nothing(hub: Hub) -> None:
    writers = [Writer(hub) for _ in range(WRITERS)]
    pollers = [
        Poller(hub, 5),
        Poller(hub, 1000),
        Poller(hub, 60, milliseconds=True),
        Poller(hub, 200, follow=False),
    ]
    for thread in (*writers, *pollers):
        thread.start()
    killed, tried = 0, 0
    while killed < KILLS and tried < 20 * KILLS:
        time.sleep(_chance.uniform(0.05, 0.3))
        killed += strike(hub, tried)
        tried += 1
    assert killed == KILLS
    hub.stop.set()
    for writer in writers:
        writer.join(90)
        assert not writer.is_alive()
    for poller in pollers:
        poller.finish.set()
        poller.join(90)
        assert not poller.is_alive()
    acknowledged = [one for writer in writers for one in writer.acknowledged]
    with hub.store.read() as tx:
        there = [record.id for record in log.manifest(tx, hub.room, Query(limit=1_000_000)).records]
    assert acknowledged
    assert sorted(there) == sorted(acknowledged)
    for poller in pollers:
        assert poller.seen == there


def test_both_nodes_give_the_same_responses(hub: Hub) -> None:
    one, two = hub.nodes
    sent = [{"type": "url", "id": f"url--{uuid.uuid4()}", "value": "x"} for _ in range(6)]
    assert hub.ask("POST", one, data=json.dumps({"objects": sent})).status_code == 202
    assert hub.ask("GET", two).json()["objects"] == sent
    first = hub.ask("GET", one, "?limit=4").json()
    rest = hub.ask("GET", two, f"?limit=4&next={first['next']}").json()
    assert first["objects"] + rest["objects"] == sent
    assert not rest["more"]
    assert [hub.ask("GET", node, room="other").status_code for node in hub.nodes] == [404, 404]
    with hub.store.begin() as tx:
        collections.grant(tx, "bank", hub.other, read=True)
    assert [hub.ask("GET", node, room="other").status_code for node in hub.nodes] == [200, 200]
    with hub.store.begin() as tx:
        collections.revoke(tx, "bank", hub.other)
    assert [hub.ask("GET", node, room="other").status_code for node in hub.nodes] == [404, 404]
