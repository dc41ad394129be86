"""A mirror next to a hub with random fusions, retractions, narrowings, grants and revocations, and kills on both sides.

Runs half a minute as a test. The long form is ``MIRROR_RUN_SECONDS=600 python -m pytest --log-cli-level=WARNING`` with
this file.
"""

import logging
import multiprocessing
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import requests

from feeds.client.mirror.check import Mirror
from feeds.client.mirror.entries import unpack_id, unpack_version
from feeds.client.mirror.schedule import sync_once
from feeds.client.mirror.settings import MirrorSettings
from feeds.connector import Misconfigured
from mappers import ids
from schemas import timestamp
from schemas.partner import Partner, PartnerKind
from server.release.query import active
from server.setup import set_up
from server.store import Store, collections, partners
from tests.integration.mirror.conftest import MirroredScamfeed
from tests.orphans import dying
from tests.ports import free_port

logger = logging.getLogger(__name__)

SECONDS = float(os.environ.get("MIRROR_RUN_SECONDS", "30"))
SHARED = ("takedown", "mule-accounts")
SCAMFEED = """
import sys
from server.app import serve
from server.settings import Settings
serve(Settings(database_url=sys.argv[1]), "127.0.0.1", int(sys.argv[2]), 1, 4)
"""
# Older copies never block. A hub's transaction, a check or this process may wait this long for the machine.
MAX_AGE, SLACK = 3.0, 2.0


class KilledHub:
    """A hub whose server is killed and restarted at one address."""

    def __init__(self, database: str, log: Path) -> None:
        self.port = free_port()
        self._command = [sys.executable, "-c", SCAMFEED, database, str(self.port)]
        self._log = log
        self._server: Any = None

    def start(self) -> None:
        with self._log.open("ab") as out:
            # A separate session: its workers are killed with it.
            self._server = subprocess.Popen(dying(*self._command), stdout=out, stderr=out, start_new_session=True)

    def wait(self) -> None:
        deadline = time.monotonic() + 60
        while True:
            with suppress(requests.RequestException):
                requests.get(f"http://127.0.0.1:{self.port}/health", timeout=60)
                return
            assert time.monotonic() < deadline, self._log.read_text()
            time.sleep(0.05)

    def kill(self) -> None:
        if self._server is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._server.pid, signal.SIGKILL)
            self._server.wait()


class RandomRun:
    """Random events on the hub, and the rules that the mirror must satisfy during them."""

    def __init__(self, hub: MirroredScamfeed, chance: random.Random) -> None:
        self.hub = hub
        self.chance = chance
        self.values: list[str] = []
        self.retracted: dict[str, float] = {}
        self.checks = self.blocks = 0

    def act(self) -> None:
        acts = [self.report, self.report, self.report, self.again, self.retract, self.narrow, self.grant, self.revoke]
        self.chance.choice(acts)()

    def report(self) -> None:
        new = [f"r{len(self.values) + number}.example.com" for number in range(self.chance.randint(1, 30))]
        self.hub.report(*new)
        self.values += new

    def again(self) -> None:
        self.hub.report(*self.some(), last_seen=timestamp.text(timestamp.now()))

    def retract(self) -> None:
        gone = self.some()
        if gone:
            self.hub.retract_all(gone)
            self.retracted |= dict.fromkeys(gone, time.monotonic())

    def narrow(self) -> None:
        limits = [{"only_partners": ["Bank"]}, {"not_to_partners": ["Bank"]}, {"only_countries": ["TH"]}]
        self.hub.report(*self.some(), sharing=self.chance.choice(limits))

    def grant(self) -> None:
        self.hub.grant(self.chance.choice(SHARED))

    def revoke(self) -> None:
        if self.chance.random() < 0.3:
            self.hub.revoke(self.chance.choice(SHARED))

    def some(self) -> list[str]:
        alive = [value for value in self.values if value not in self.retracted]
        return self.chance.sample(alive, min(len(alive), self.chance.randint(1, 8)))

    def check(self) -> None:
        """Check values: no block by an old copy, and none for a value delisted longer ago than that age."""
        with suppress(Misconfigured), Mirror(self.hub.file) as mirror:
            for value in self.chance.sample(self.values, min(len(self.values), 40)):
                answer = mirror.check(value, "domain")
                self.checks += 1
                if answer.grade == "block":
                    self.blocks += 1
                    assert not answer.stale
                    gone = self.retracted.get(value)
                    assert gone is None or time.monotonic() - gone < MAX_AGE + SLACK, value

    def at_the_hub(self) -> set[tuple[str, str, str]]:
        """Return the collection, id and version of each active indicator readable by the bank."""
        now = timestamp.now()
        with self.hub.store.read() as tx:
            return {
                (collection.alias, obj["id"], obj["modified"])
                for collection in collections.all_collections(tx)
                if collection.alias in SHARED or collection.alias.startswith("for-bank")
                for obj in active.indicators(tx, collection, now)
            }

    def in_the_mirror(self) -> set[tuple[str, str, str]]:
        now = int(time.time() * 1000)
        with closing(sqlite3.connect(self.hub.file)) as db:
            rows = db.execute(
                "SELECT c.alias, o.id, o.version FROM objects o JOIN copies c ON c.number = o.copy "
                "WHERE c.state = 'visible' AND o.names != x'' AND (o.ends IS NULL OR o.ends > ?)",
                (now,),
            ).fetchall()
        return {(alias, unpack_id(id_), unpack_version(version)) for alias, id_, version in rows}


def sync_forever(settings: MirrorSettings) -> None:
    while True:
        sync_once(settings)
        time.sleep(0.2)


@contextmanager
def running(folder: Path) -> Iterator[tuple[MirroredScamfeed, KilledHub]]:
    database = f"sqlite:///{folder / 'hub.db'}"
    store = Store.open(database)
    set_up(store)
    with store.begin() as tx:
        bank = partners.add(
            tx, Partner(name="Bank", kind=PartnerKind.BANK, identity=ids.identity("Bank"), vouched=True)
        )
    server = KilledHub(database, folder / "hub.log")
    server.start()
    server.wait()
    hub = MirroredScamfeed(store, f"http://127.0.0.1:{server.port}/feed/", folder, bank.token)
    try:
        yield hub, server
    finally:
        server.kill()
        store.close()


@pytest.mark.long
@pytest.mark.timeout(SECONDS + 240)
def test_mirror_equals_the_hub_at_the_end_and_never_blocks_by_old_copies(tmp_path: Path) -> None:
    chance = random.Random(int(os.environ.get("MIRROR_RUN_SEED", "14")))  # noqa: S311 - guards nothing
    context = multiprocessing.get_context("fork")
    with ExitStack() as stop, running(tmp_path) as (hub, server):
        for alias in SHARED:
            hub.grant(alias)
        settings = hub.settings(*SHARED, hub={"page": 20}, mirror={"max_age": f"{MAX_AGE}s"})
        run = RandomRun(hub, chance)
        kills = {"hub": 0, "sync": 0}
        syncing: Any = context.Process(target=sync_forever, args=(settings,))
        syncing.start()
        stop.callback(lambda: syncing.kill())
        until = time.monotonic() + SECONDS
        back_at = 0.0
        # Beside other load no copy may become current between two kills: without further ones it does.
        while (may_kill := time.monotonic() < until) or not run.blocks:
            run.act()
            run.check()
            if may_kill and chance.random() < 0.05:
                kills["sync"] += 1
                syncing.kill()
                syncing.join()
                syncing = context.Process(target=sync_forever, args=(settings,))
                syncing.start()
            if back_at and time.monotonic() > back_at:
                server.start()
                back_at = 0.0
            elif may_kill and not back_at and chance.random() < 0.01:
                kills["hub"] += 1
                server.kill()
                back_at = time.monotonic() + chance.uniform(0.5, 2 * MAX_AGE)
        syncing.kill()
        syncing.join()
        if back_at:
            server.start()
        server.wait()
        for alias in SHARED:
            hub.grant(alias)
        (done,) = sync_once(settings)
        assert done.is_well, done
        logger.warning("values=%d checks=%d blocks=%d kills=%s", len(run.values), run.checks, run.blocks, kills)
        assert run.in_the_mirror() == run.at_the_hub()
        assert all(synced.digest != "differs" for synced in done.collections)
