"""What was answered with 202 is there once, and every reader gets it once, though workers are killed all the while."""

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
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests

from schemas.partner import Partner, PartnerKind
from server.store import Store, collections, partners

TAXII = "application/taxii+json;version=2.1"
SERVE = """
import sys
from server.app import serve
from server.settings import Settings
serve(Settings(database_url=sys.argv[1]), "127.0.0.1", int(sys.argv[2]), 2, 8)
"""
WRITERS, KILLS = 3, 6
_chance = random.Random(20261124)  # noqa: S311  # nothing secret about it


@dataclass
class Room:
    """A collection on a running server, and how to get at it."""

    url: str
    token: str
    server: subprocess.Popen[bytes]
    stop: threading.Event = field(default_factory=threading.Event)

    def ask(self, method: str, query: str = "", **more: Any) -> requests.Response | None:
        """Ask once; None when the worker died on the way."""
        headers = {"Authorization": f"Bearer {self.token}", "Accept": TAXII, "Content-Type": TAXII}
        try:
            answer = requests.request(method, self.url + query, headers=headers, timeout=30, **more)
            answer.json()
        except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError, ValueError):
            return None
        return answer


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    url = f"sqlite:///{tmp_path / 'hub.db'}"
    store = Store.open(url)
    store.migrate()
    with store.begin() as tx:
        made = collections.add(tx, "room", "Room")
        given = partners.add(tx, Partner(name="bank", kind=PartnerKind.BANK, identity=f"identity--{uuid.uuid4()}"))
        partners.grant(tx, "bank", made, read=True, write=True)
    store.close()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = int(taken.getsockname()[1])
    with (tmp_path / "log").open("w") as log:
        server = subprocess.Popen([sys.executable, "-c", SERVE, url, str(port)], stderr=log, stdout=log)
        running = Room(f"http://127.0.0.1:{port}/feed/collections/{made.id}/objects/", given.token, server)
        try:
            deadline = time.monotonic() + 60
            while running.ask("GET") is None:
                assert server.poll() is None, (tmp_path / "log").read_text()
                assert time.monotonic() < deadline
                time.sleep(0.1)
            yield running
        finally:
            running.stop.set()
            server.terminate()
            server.wait(60)


class Writer(threading.Thread):
    """Posts envelopes, and again where no answer came."""

    def __init__(self, room: Room) -> None:
        super().__init__()
        self._room = room
        self.acknowledged: list[str] = []

    def run(self) -> None:
        while not self._room.stop.is_set():
            sent = [{"type": "url", "id": f"url--{uuid.uuid4()}", "value": "x"} for _ in range(_chance.randint(1, 12))]
            answer = None
            while answer is None:
                answer = self._room.ask("POST", data=json.dumps({"objects": sent}))
            assert answer.json()["success_count"] == len(sent)
            self.acknowledged += [one["id"] for one in sent]


class Poller(threading.Thread):
    """Pages through ``next``, then goes on from the last ``date_added``; what did not arrive it asks for again."""

    def __init__(self, room: Room, limit: int) -> None:
        super().__init__()
        self._room, self._limit = room, limit
        self.seen: list[str] = []
        self.finish = threading.Event()

    def run(self) -> None:
        place = ""
        while True:
            last_round = self.finish.is_set()
            answer = self._room.ask("GET", f"?limit={self._limit}{place}")
            if answer is None:
                continue
            page = answer.json()
            self.seen += [one["id"] for one in page.get("objects", ())]
            if page.get("more"):
                assert page["objects"]
                place = f"&next={page['next']}"
            elif "objects" in page:
                place = f"&added_after={answer.headers['X-TAXII-Date-Added-Last']}"
            elif last_round:
                return


def workers(server: subprocess.Popen[bytes]) -> list[int]:
    children = Path(f"/proc/{server.pid}/task/{server.pid}/children")
    return [int(pid) for pid in children.read_text().split()]


@pytest.mark.skipif(sys.platform != "linux", reason="finds the server's workers through /proc")
def test_nothing_is_lost_or_twice_while_workers_are_killed(room: Room) -> None:
    writers = [Writer(room) for _ in range(WRITERS)]
    pollers = [Poller(room, limit) for limit in (4, 1000)]
    for thread in (*writers, *pollers):
        thread.start()
    for _ in range(KILLS):
        time.sleep(_chance.uniform(0.3, 0.8))
        if pids := workers(room.server):
            os.kill(_chance.choice(pids), signal.SIGKILL)
    time.sleep(1)
    room.stop.set()
    for writer in writers:
        writer.join(60)
        assert not writer.is_alive()
    for poller in pollers:
        poller.finish.set()
        poller.join(60)
        assert not poller.is_alive()
    acknowledged = {one for writer in writers for one in writer.acknowledged}
    assert acknowledged
    for poller in pollers:
        assert len(poller.seen) == len(set(poller.seen))
        assert acknowledged == set(poller.seen)
    assert pollers[0].seen == pollers[1].seen
