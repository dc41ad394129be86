"""Hubs that are killed and restarted, and partners that write and read through any of them."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import requests

from mappers import ids
from tests.ports import free_port
from tests.times import text_ago

BANK = "Bank"
IDENTITY = ids.identity(BANK)
TAXII = "application/taxii+json;version=2.1"
_chance = random.Random(20261126)  # noqa: S311  # nothing secret about it
_UNREACHABLE = (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError, ValueError)


class Hub:
    """One hub, restarted after every exit, as by systemd."""

    def __init__(self, database: str, log_file: Path) -> None:
        """Serve ``database`` on its own port."""
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._env = {**os.environ, "SCAMFEED_DATABASE_URL": database, "SCAMFEED_ACCESS_LOG": "off"}
        self._log_file = log_file
        self._over = threading.Event()
        self._process = self._start()
        self._watching = threading.Thread(target=self._watch, daemon=True)
        self._watching.start()

    def kill(self) -> None:
        """Kill the hub and its workers."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def freeze(self) -> None:
        """Freeze the hub and its workers."""
        os.killpg(self._process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let them continue."""
        os.killpg(self._process.pid, signal.SIGCONT)

    def stop(self) -> None:
        """Stop the hub."""
        self._over.set()
        self._watching.join(30)
        self.kill()
        self._process.wait(30)

    def is_ready(self) -> bool:
        """Return whether the hub reports that it can read and write its store."""
        with suppress(requests.RequestException):
            return requests.get(f"{self.url}/health/ready", timeout=5).status_code == 200
        return False

    def _start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "server.cli", "serve", "--port", str(self.port), "--workers", "1"]
        with self._log_file.open("ab") as out:
            return subprocess.Popen(command, stdout=out, stderr=out, env=self._env, start_new_session=True)

    def _watch(self) -> None:
        while not self._over.wait(0.5):
            if self._process.poll() is not None:
                self.kill()
                self._process = self._start()


class Partner(NamedTuple):
    """A partner of the hubs."""

    token: str
    hubs: list[Hub]
    stop: threading.Event

    def ask(self, method: str, collection: str, query: str = "", **more: Any) -> Any:
        """Send one request about a collection to a hub. Return None if it died or has no database."""
        headers = {"Accept": TAXII, "Content-Type": TAXII}
        return self.call(method, f"/feed/collections/{collection}/objects/{query}", headers=headers, **more)

    def call(self, method: str, path: str, headers: Mapping[str, str] = MappingProxyType({}), **more: Any) -> Any:
        """Send one request to a hub. Return None if it died or has no database."""
        url, named = f"{_chance.choice(self.hubs).url}{path}", {"Authorization": f"Bearer {self.token}", **headers}
        try:
            answer = requests.request(method, url, headers=named, timeout=30, **more)
            answer.json()
        except _UNREACHABLE:
            return None
        if answer.status_code == 503:
            assert int(answer.headers["Retry-After"]) > 0
            return None
        return answer


class Writer(threading.Thread):
    """Posts objects to a collection, and repeats those without a response."""

    def __init__(self, partner: Partner, collection: str) -> None:
        """Write to ``collection`` as ``partner``."""
        super().__init__(daemon=True)
        self.acknowledged: list[str] = []
        self.last = time.monotonic()
        self.longest = 0.0
        self._partner = partner
        self._collection = collection
        self._make: Callable[[], dict[str, Any]] = indicator if collection == "inbox" else address

    def run(self) -> None:
        """Write until the partner stops."""
        while not self._partner.stop.is_set():
            sent = [self._make() for _ in range(_chance.randint(1, 12))]
            answer = None
            while answer is None:
                answer = self._partner.ask("POST", self._collection, data=json.dumps({"objects": sent}))
                time.sleep(0.05)
            assert answer.status_code == 202, answer.text
            assert answer.json()["success_count"] == len(sent), answer.text
            self.acknowledged += [key(obj) for obj in sent]
            self.longest = max(self.longest, time.monotonic() - self.last)
            self.last = time.monotonic()


class Reader(threading.Thread):
    """Pages through ``next`` or, without ``follow``, by ``added_after`` alone, and repeats lost requests.

    With ``milliseconds``, it keeps at the end only the objects of the last ``date_added``.
    """

    def __init__(
        self, partner: Partner, collection: str, limit: int, *, follow: bool = True, milliseconds: bool = False
    ) -> None:
        """Read ``collection`` as ``partner``, up to ``limit`` objects at once."""
        super().__init__(daemon=True)
        self.seen: list[str] = []
        self.finish = threading.Event()
        self._partner = partner
        self._collection = collection
        self._limit, self._follow, self._milliseconds = limit, follow, milliseconds

    def run(self) -> None:
        """Read until no new objects arrive and ``finish`` is set."""
        place = ""
        while True:
            last_round = self.finish.is_set()
            answer = self._partner.ask("GET", self._collection, f"?limit={_chance.randint(1, self._limit)}{place}")
            if answer is None:
                time.sleep(0.1)
                continue
            assert answer.status_code == 200, answer.text
            page = answer.json()
            self.seen += [key(obj) for obj in page.get("objects", ())]
            if page.get("more") and self._follow:
                assert page["objects"]
                place = f"&next={page['next']}"
            elif "objects" in page:
                last = answer.headers["X-TAXII-Date-Added-Last"]
                place = f"&added_after={last[:23] + 'Z' if self._milliseconds else last}"
            elif last_round:
                return
            else:
                time.sleep(0.1)


def key(obj: dict[str, Any]) -> str:
    """Return the part of an object that does not change: a listing gets an id of the hub."""
    return str(obj["pattern"] if obj["type"] == "indicator" else obj["id"])


def address() -> dict[str, Any]:
    """Make an object for an exchange."""
    return {"type": "url", "id": f"url--{uuid.uuid4()}", "value": "x"}


# Digits of a random name may be the number of a payment card, which the hub refuses.
_LETTERS = str.maketrans("0123456789", "ghijklmnop")


def indicator(value: str = "", identity: str = IDENTITY) -> dict[str, Any]:
    """Make a report of the named value, or of a new one."""
    value = value or f"{uuid.uuid4().hex.translate(_LETTERS)}.example.com"
    reported_at = text_ago(days=6)
    return {
        "type": "indicator",
        "spec_version": "2.1",
        "id": f"indicator--{uuid.uuid4()}",
        "created_by_ref": identity,
        "created": reported_at,
        "modified": reported_at,
        "indicator_types": ["malicious-activity"],
        "labels": ["scam"],
        "confidence": 80,
        "pattern": f"[domain-name:value = '{value}']",
        "pattern_type": "stix",
        "pattern_version": "2.1",
        "valid_from": reported_at,
    }
