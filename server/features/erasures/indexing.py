"""The job that indexes the texts of rows from before the index, and merges the small stretches of single reports."""

from collections.abc import Callable
from typing import Any

from server.store import Store, collections, jobs
from server.store.database.engine import Tx
from server.store.objects import text_keys

# The first is made by the migration that adds the index. Both have always ended: collections are current meanwhile.
_OLD, _MERGED = "index texts", "merge texts"
_ROWS = 500
# Fewer new stretches of a log are not worth a merge.
_STRETCHES = 500
_PAUSE = 50 * 1_000_000


def left(tx: Tx) -> list[tuple[int, int, int]]:
    """Return the parts of logs that are not indexed yet: the log, the place before them, and their end."""
    job = jobs.find(tx, _OLD)
    return [] if job is None else [(log, after, end) for log, after, end in job.state["left"]]


def resume(store: Store, *, idle_since: int, stopped: Callable[[], bool] = lambda: False) -> int:
    """Index what is left and merge small stretches, unless another process did so since ``idle_since``.

    Return the number of jobs that ended.
    """
    with store.read() as tx:
        job = jobs.find(tx, _OLD)
    if job is not None and job.state["left"] and job.saved < idle_since:
        while not stopped():
            with store.begin(in_passing=True) as tx:
                if not _index(tx):
                    return 1
    return 0


def _index(tx: Tx) -> bool:
    """Index the next rows; return whether any are left."""
    parts = left(tx)
    if parts:
        log, after, end = parts[0]
        place = text_keys.index(tx, log, after, end, _ROWS)
        parts = parts[1:] if place is None else [(log, place, end), *parts[1:]]
        jobs.save(tx, _OLD, {"left": parts}, ended=True)
    return bool(parts)


def merge(store: Store, *, idle_since: int) -> int:
    """Merge the small stretches of logs with many new ones, and return in how many logs."""
    with store.read() as tx:
        job = jobs.find(tx, _MERGED)
        logs = {collection.log: collection.last_added for collection in collections.all_collections(tx)}
    if job is not None and job.saved >= idle_since:
        return 0
    done: dict[str, Any] = {} if job is None else dict(job.state)
    merged = 0
    for log, last in sorted(logs.items()):
        after, seen = done.get(str(log), (-1, -1))
        if last <= seen:
            continue
        with store.begin(in_passing=True) as tx:
            place = text_keys.merge(tx, log, after, _STRETCHES)
        merged += place != after
        # A full round continues where it stopped.
        done[str(log)] = [place, seen if place != after else last]
    with store.begin(in_passing=True) as tx:
        jobs.begin(tx, _MERGED, done)
        jobs.save(tx, _MERGED, done, ended=True)
    return merged
