"""The processor time of all processes of a hub by part, until it has nothing left to do."""

import time
from collections import defaultdict
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from benchmarks.release import usage
from benchmarks.release.databases import Database
from server.features.trends import answers, lag
from server.store import Store, Tx, audit, collections
from server.store.collections import Collection
from server.store.ledger import sealing
from server.store.objects import digests

# Runs the program so that each thread's name is visible.
PROGRAM = ("-m", "benchmarks.release.threads")
# By the name of a thread, as the system shortens it.
_PARTS = {"trends": "trends", "ledger": "sealing", "audit-trail": "audit", "digest-folding": "digest"}
_OTHER_JOBS = "other jobs"
_NANOSECOND = 1e-9
_LOOK_SECONDS = 0.5
_PATIENCE = 600

Parts = Mapping[str, float]
"""Seconds of processors by part; ``database`` is the database server's share of all parts."""


def parts(server: int, database: Database) -> Parts:
    """Return the processor time so far: of each part of the server with this process id, and of its database."""
    found = defaultdict[str, float](float)
    for process in usage.processes(server):
        with suppress(FileNotFoundError, ProcessLookupError):
            if b"server.features.ledger.process" in Path(f"/proc/{process}/cmdline").read_bytes():
                found["sealing"] += _of_process(process)
                continue
            named = _of_threads(process)
            for part, used in named.items():
                found[part] += used
            # The event loop, the threads that answer, and those that have ended.
            found["answer"] += max(0.0, _of_process(process) - sum(named.values()))
    found["database"] += database.used(server).database
    return found


def _of_process(process: int) -> float:
    return usage.seconds(Path(f"/proc/{process}"))


def _of_threads(process: int) -> Parts:
    """Return the processor time of the threads of background work."""
    found = defaultdict[str, float](float)
    for thread in Path(f"/proc/{process}/task").iterdir():
        with suppress(FileNotFoundError, ProcessLookupError):
            name = (thread / "comm").read_text().strip()
            nanoseconds = int((thread / "schedstat").read_text().split()[0])
            if thread.name != str(process) and not name.startswith("answer"):
                found[_PARTS.get(name, _OTHER_JOBS)] += nanoseconds * _NANOSECOND
    return found


def since(before: Parts, after: Parts, idle: Parts, seconds: float) -> Parts:
    """Return what each part used, and ``idle``, which the hub uses in these ``seconds`` with nothing to do."""
    used = {part: after.get(part, 0.0) - before.get(part, 0.0) - idle.get(part, 0.0) * seconds for part in after}
    return used | {"idle": sum(idle.values()) * seconds}


def idle_rates(server: int, database: Database, seconds: float) -> Parts:
    """Return the processor time that each part uses in a second while nothing is posted."""
    before = parts(server, database)
    time.sleep(seconds)
    after = parts(server, database)
    return {part: (after[part] - before.get(part, 0.0)) / seconds for part in after}


def await_end(store: Store) -> None:
    """Wait until everything posted is sealed, counted in trends and digests, and in the sealed audit trail."""
    deadline = time.monotonic() + _PATIENCE
    while _is_left(store):
        if time.monotonic() > deadline:
            raise TimeoutError("the hub still has work to do")
        time.sleep(_LOOK_SECONDS)


def _is_left(store: Store) -> bool:
    with store.read() as tx:
        if sealing.has_news(tx) or audit.unsealed_chains(tx) or lag.oldest_unfolded(tx) is not None:
            return True
        if answers.waiting(tx, 1):
            return True
        kept = digests.kept(tx)
        return any(_is_behind(tx, found) for found in collections.all_collections(tx) if found.number in kept)


def _is_behind(tx: Tx, collection: Collection) -> bool:
    digest = digests.of(tx, collection)
    return digest is None or digest.added_up_to < collection.last_added
