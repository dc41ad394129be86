"""Time from a partner's POST to another's webhook and to its mirror's answer, over HTTP, with the real programs."""

import base64
import http.server
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import orjson
import requests

from benchmarks.running import free_port, serving
from feeds.client.mirror.check import Mirror
from feeds.client.mirror.schedule import sync_once, sync_until_stopped
from feeds.client.mirror.settings import MirrorSettings
from mappers import ids
from mappers.indicator import Profile, to_stix
from schemas import timestamp
from schemas.partner import Partner, PartnerKind
from schemas.report import Report
from server.setup import set_up
from server.store import Store, collections, partners

POSTS = 200
_TAXII = "application/taxii+json;version=2.1"
_SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
# Random intervals, so that posts do not synchronise with the polling for new objects.
_APART = (0.05, 0.45)
_PATIENCE = 60


def rows(posts: int = POSTS) -> Iterator[list[object]]:
    """Yield the table's rows: median and 95th percentile in seconds, compared with the targets."""
    for words, eager, target in (("default settings", False, 2.0), ("--eager", True, 1.0)):
        took = sorted(_measure(posts, eager=eager))
        half, most = statistics.median(took), took[int(len(took) * 0.95)]
        what = f"POST to another's webhook, {words}, {posts} times: p50 / p95, s"
        yield [what, f"{half:.2f} / {most:.2f}", "p95 asked for", f"{target:.2f}", f"{target / most:.1f}x"]
    took = sorted(_measure_mirror(posts))
    half, most = statistics.median(took), took[int(len(took) * 0.95)]
    what = f"POST to the answer of a mirror that follows changes, {posts} times: p50 / p95, s"
    yield [what, f"{half:.2f} / {most:.2f}", "p95 asked for", "2.00", f"{2.0 / most:.1f}x"]


def _measure(posts: int, *, eager: bool) -> list[float]:
    """Return the seconds that each post took."""
    with tempfile.TemporaryDirectory() as folder, _webhook() as (address, arrived):
        url = f"sqlite:///{folder}/hub.db"
        token, _ = _furnish(url)
        config = Path(folder) / "scamfeed.toml"
        config.write_text(_CONFIG.format(database=json.dumps(url), address=json.dumps(address)))
        sent: dict[str, float] = {}
        with _serving(config, eager=eager) as root, requests.Session() as session:
            session.headers.update({"Authorization": f"Bearer {token}", "Accept": _TAXII, "Content-Type": _TAXII})
            for number in range(-1, posts):
                obj = indicator(number)
                begun = time.perf_counter()
                answer = session.post(f"{root}/feed/collections/inbox/objects/", json={"objects": [obj]}, timeout=60)
                answer.raise_for_status()
                if number < 0:
                    # The first post waits until everything has started.
                    _await(arrived, {obj["pattern"]})
                    continue
                sent[obj["pattern"]] = begun
                time.sleep(random.uniform(*_APART))  # noqa: S311 - spreads load, guards nothing
            _await(arrived, sent.keys())
        return [arrived[pattern] - begun for pattern, begun in sent.items()]


def _measure_mirror(posts: int) -> list[float]:
    """Return the seconds until a mirror with an interval of an hour lists the value of each post."""
    took: list[float] = []
    with tempfile.TemporaryDirectory() as folder, ExitStack() as running:
        url = f"sqlite:///{folder}/hub.db"
        token, reader = _furnish(url)
        port, _ = running.enter_context(serving(url))
        address, file = f"http://127.0.0.1:{port}", Path(folder) / "mirror.db"
        (Path(folder) / "token").write_text(reader)
        hub = {"name": "hub", "url": f"{address}/feed/", "collections": ["takedown"], "allow_private": True}
        hub["token"] = {"file": f"{folder}/token"}
        settings = MirrorSettings.model_validate({"mirror": {"file": str(file), "every": "1h"}, "hub": [hub]})
        sync_once(settings)
        stop = threading.Event()
        thread = threading.Thread(target=sync_until_stopped, args=(settings, stop))
        thread.start()
        running.callback(thread.join)
        running.callback(stop.set)
        session = running.enter_context(requests.Session())
        session.headers.update({"Authorization": f"Bearer {token}", "Accept": _TAXII, "Content-Type": _TAXII})
        mirror = running.enter_context(Mirror(file))
        _wait_for(lambda: not mirror.check("nothing.example.com").unknown)
        for number in range(-1, posts):
            obj, begun = indicator(number), time.perf_counter()
            value = obj["pattern"].split("'")[1]
            session.post(f"{address}/feed/collections/inbox/objects/", json={"objects": [obj]}, timeout=60)
            _wait_for(lambda value=value: mirror.check(value).found)
            if number >= 0:
                # The first waits until everything has started.
                took.append(time.perf_counter() - begun)
            time.sleep(random.uniform(*_APART))  # noqa: S311 - spreads load, guards nothing
    return took


def _wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("a value did not arrive")
        time.sleep(0.005)


_CONFIG = """database_url = {database}

[[feed]]
name = "to-a-bank"
connector = "webhook-push"
every = "5m"
partner = "Bank"
collection = "takedown"
url = {address}
secret = {{ env = "WEBHOOK_SECRET" }}
allow_private = true
"""


def _furnish(url: str) -> tuple[str, str]:
    """Set up a hub with contributing police and a subscribed bank; return their tokens."""
    store = Store.open(url)
    set_up(store)
    with store.begin() as tx:
        kinds = {"Police": PartnerKind.GOVERNMENT, "Bank": PartnerKind.BANK}
        given = {
            name: partners.add(tx, Partner(name=name, kind=kind, identity=ids.identity(name), vouched=True))
            for name, kind in kinds.items()
        }
        collections.grant(tx, "Police", collections.get(tx, "inbox"), write=True)
        collections.grant(tx, "Bank", collections.get(tx, "takedown"), read=True)
    store.close()
    return given["Police"].token, given["Bank"].token


def indicator(number: int) -> dict[str, Any]:
    """Return the indicator of a report of another value for each number."""
    report = Report(
        kind="domain",
        value=f"shop{number + 1}.example.com",
        reporter="Police",
        reported_at=timestamp.now(),
        tlp="green",
    )
    return to_stix(report, Profile.CORE)[0]


@contextmanager
def _serving(config: Path, *, eager: bool) -> Iterator[str]:
    """Run ``scamfeed serve`` with its scheduler; yield its address."""
    port = free_port()
    command = [sys.executable, "-m", "server.cli", "--config", str(config), "serve", "--port", str(port)]
    env = {**os.environ, "WEBHOOK_SECRET": _SECRET, "SCAMFEED_LOG_LEVEL": "WARNING"}
    with subprocess.Popen(command + ["--eager"] * eager, env=env, stderr=subprocess.DEVNULL) as server:
        try:
            address, deadline = f"http://127.0.0.1:{port}", time.monotonic() + _PATIENCE
            while True:
                try:
                    requests.get(f"{address}/health", timeout=10)
                    break
                except requests.ConnectionError:
                    if time.monotonic() > deadline or server.poll() is not None:
                        raise
                    time.sleep(0.1)
            yield address
        finally:
            server.terminate()
            server.wait(_PATIENCE)


@contextmanager
def _webhook() -> Iterator[tuple[str, dict[str, float]]]:
    """Receive events; yield the address, and when each pattern first arrived.

    The pattern identifies a value, because the hub lists it under a different id.
    """
    arrived: dict[str, float] = {}

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: object) -> None:
            """Keep quiet."""

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            now = time.perf_counter()
            for event in orjson.loads(body)["data"]["events"]:
                if "pattern" in event["object"]:
                    arrived.setdefault(event["object"]["pattern"], now)
            self.send_response(204)
            self.end_headers()

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/", arrived
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _await(arrived: dict[str, float], wanted: Any) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not wanted <= arrived.keys():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{len(wanted - arrived.keys())} objects did not arrive")
        time.sleep(0.05)
