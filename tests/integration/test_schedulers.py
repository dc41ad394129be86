"""Three schedulers on one database, killed at random: each feed runs on one at a time, and nothing is lost."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from mappers import ids
from schemas.partner import Partner, PartnerKind
from server.store import Store, collections, log, partners
from server.store.objects.query import EVERY, UNLIMITED, Query
from tests.times import text_ago

pytestmark = pytest.mark.long

# Set a longer duration for a thorough run.
SECONDS = float(os.environ.get("SCHEDULERS_SECONDS", "20"))
NODES = 3
AHEAD = 500
SCRIPT = Path(__file__).parent / "node.py"
REPORTED_AT = text_ago(days=8)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'hub.db'}"
        return
    server = request.getfixturevalue("postgres")
    name = server.database()
    yield server.url(name)
    server.drop(name)


@pytest.fixture
def hub(url: str) -> Iterator[Store]:
    store = Store.open(url)
    store.migrate()
    with store.begin() as tx:
        collections.create_defaults(tx)
        for name in ("In", "Out"):
            partners.add(tx, Partner(name=name, kind=PartnerKind.BANK, identity=ids.identity(name), vouched=True))
        collections.grant(tx, "Out", collections.get(tx, "takedown"), read=True)
    yield store
    store.close()


class Nodes:
    """Schedulers that are started, and killed without warning."""

    def __init__(self, url: str, folder: Path) -> None:
        self.trace = folder / "trace"
        self._url, self._folder = url, folder
        self.running: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        out = (self._folder / "log").open("ab")
        with out:
            command = [sys.executable, str(SCRIPT), self._url, str(self._folder), REPORTED_AT]
            self.running.append(subprocess.Popen(command, stdout=out, stderr=out, cwd=Path(__file__).parents[2]))

    def kill_one(self, chance: random.Random) -> bool:
        """Kill one scheduler, usually one in the middle of a run, and never the last that can take over."""
        ready = [each for each in self.running if str(each.pid) in processes_that_logged(self.trace, "ready")]
        if len(ready) < 2:
            return False
        busy = [each for each in ready if str(each.pid) in under_way(self.trace)]
        gone = chance.choice(busy if busy and chance.random() < 0.8 else ready)
        self.running.remove(gone)
        gone.kill()
        gone.wait(60)
        self._note("killed", gone.pid)
        return True

    def freeze_one(self, chance: random.Random, seconds: float) -> None:
        frozen = chance.choice(self.running)
        frozen.send_signal(signal.SIGSTOP)
        time.sleep(seconds)
        self._note("frozen", frozen.pid)
        frozen.send_signal(signal.SIGCONT)

    def stop(self) -> list[int]:
        for each in self.running:
            each.terminate()
        return [each.wait(120) for each in self.running]

    def _note(self, word: str, pid: int) -> None:
        with self.trace.open("a") as out:
            out.write(f"{time.time()} {word} {pid} -\n")


def patterns(store: Store) -> list[str]:
    with store.read() as tx:
        bodies = log.page(tx, collections.get(tx, "takedown"), Query(limit=UNLIMITED, versions=EVERY)).bodies
    return [obj["pattern"] for obj in map(orjson.loads, bodies) if obj["type"] == "indicator"]


def active(store: Store) -> set[str]:
    with store.read() as tx:
        bodies = log.page(tx, collections.get(tx, "takedown"), Query(limit=UNLIMITED)).bodies
    return {orjson.loads(body)["id"] for body in bodies}


def processes_that_logged(trace: Path, word: str) -> set[str]:
    """Return the processes that have logged anything."""
    lines = [line.split() for line in trace.read_text().splitlines()] if trace.exists() else []
    return {pid for _, each, pid, _ in lines if each == word}


def under_way(trace: Path) -> set[str]:
    """Return the processes with an unfinished run."""
    found: dict[str, str] = {}
    for line in trace.read_text().splitlines() if trace.exists() else ():
        _, word, pid, feed = line.split()
        if word in ("begin", "end"):
            found[feed] = pid if word == "begin" else ""
    return set(found.values())


def overlaps_and_gaps(trace: Path) -> tuple[list[str], list[float]]:
    """Return the overlapping runs of different nodes, and the seconds from each kill to the next start."""
    running: dict[str, tuple[str, float]] = {}
    gone: dict[str, float] = {}
    wrong: list[str] = []
    gaps: list[float] = []
    for line in trace.read_text().splitlines():
        at, word, pid, feed = line.split()
        if word in ("killed", "frozen"):
            gone[pid] = float(at)
        elif word == "begin":
            before = running.get(feed)
            if before is not None and before[0] not in gone:
                wrong.append(line)
            elif before is not None:
                gaps.append(float(at) - max(gone[before[0]], before[1]))
            running[feed] = pid, float(at)
        elif word == "end" and running.get(feed, ("", 0))[0] == pid:
            del running[feed]
    return wrong, gaps


def until_all_is_there(hub: Store, folder: Path, total: int) -> None:
    """Wait for the last domain. A long pause without arrivals means a loss."""
    before, deadline = -1, 0.0
    while True:
        out = folder / "out"
        there = set(out.read_text().split()) if out.exists() else set()
        pulled, waiting = len(set(patterns(hub))), len(active(hub) - there)
        if pulled >= total and not waiting:
            return
        if pulled + len(there) > before:
            before, deadline = pulled + len(there), time.monotonic() + 90
        assert time.monotonic() < deadline, (pulled, total, waiting)
        time.sleep(0.2)


def test_each_feed_runs_on_one_node_at_a_time_and_nothing_is_lost(hub: Store, url: str, tmp_path: Path) -> None:
    seed = random.randrange(1 << 30)  # noqa: S311 - which one dies is no secret
    chance = random.Random(seed)  # noqa: S311 - the same
    nodes = Nodes(url, tmp_path)
    total = 0
    try:
        for _ in range(NODES):
            nodes.start()
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            # Slow enough for processes that are killed all the time.
            if total - len(patterns(hub)) < AHEAD:
                total += chance.randrange(20, 60)
                (tmp_path / "new").write_text(str(total))
                (tmp_path / "new").replace(tmp_path / "source")
            time.sleep(chance.uniform(0.3, 2))
            if chance.random() < 0.5 and nodes.kill_one(chance):
                nodes.start()
        until_all_is_there(hub, tmp_path, total)
    finally:
        statuses = nodes.stop()
    assert statuses == [0] * NODES, seed
    wrong, gaps = overlaps_and_gaps(nodes.trace)
    assert wrong == [], seed
    found = patterns(hub)
    assert len(found) == len(set(found)) == total, seed
    killed = len(processes_that_logged(nodes.trace, "killed"))
    print(f"{killed=}, take-overs {len(gaps)}, longest {max(gaps, default=0):.1f} s")  # noqa: T201 - for the reader
    assert max(gaps, default=0) < 15, seed


def test_scheduler_frozen_in_a_run_writes_nothing_afterwards(hub: Store, url: str, tmp_path: Path) -> None:
    chance = random.Random(1)  # noqa: S311 - the same
    nodes = Nodes(url, tmp_path)
    (tmp_path / "source").write_text("300")
    try:
        nodes.start()
        deadline = time.monotonic() + 60
        while not patterns(hub):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        nodes.start()
        nodes.freeze_one(chance, 6)
        (tmp_path / "source").write_text("400")
        until_all_is_there(hub, tmp_path, 400)
    finally:
        statuses = nodes.stop()
    assert statuses == [0, 0]
    found = patterns(hub)
    assert len(found) == len(set(found)) == 400
