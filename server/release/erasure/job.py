"""The work of an erasure, in batches: through the log, through all other tables, the names, and the files at last.

Whatever stops it, it goes on where it was. The value is in the work's state until the last batch, and nowhere after.
"""

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import orjson

from server.release import batches
from server.release.batches import BatchJob, Progress, State
from server.release.erasure.rewriting import Reader, Rewriting
from server.release.erasure.traces import HUB, ValueTraces, all_names
from server.release.hub import Hub
from server.release.trends.fold import fold_all
from server.store import Store, collections, inbox, jobs, partners, reviews, subjects
from server.store.collections import Collection
from server.store.database.engine import Tx
from server.store.erasure import compaction, erased, log_rows, match_rows, other_tables, packed_words
from server.store.erasure.other_tables import TablePlace
from server.store.evidence import files as evidence
from server.store.objects import digests
from server.store.objects.parts import PLAIN

log = logging.getLogger(__name__)

_NAME = "erase "
_FILES = "rewrite files"
# Rows that are read for each value of a batch of other work: most are left as they are.
_ROWS = 8
# What the passes before found, the next ones look for.
_MOST_PASSES = 5
# For so long private matching may take to read that the value was withdrawn.
_MATCHING_SECONDS = 60.0
_LISTS_OF_STATUS = ("successes", "failures", "pendings", "x_scamfeed_first_failures")
_COUNTS_OF_STATUS: Mapping[str, str] = {
    "successes": "success_count",
    "failures": "failure_count",
    "pendings": "pending_count",
    "x_scamfeed_first_failures": "failure_count",
}


class ErasureJob(BatchJob):
    """Removes the traces of values from all tables."""

    def __init__(self, erasure: str, traces: ValueTraces | None = None) -> None:
        """Do the erasure of that id, which looks for ``traces`` where it is begun."""
        self.name = _NAME + erasure
        self._erasure = erasure
        self._traces = traces

    def first(self, tx: Tx) -> State:
        """Begin with the log."""
        if self._traces is None:
            raise ValueError("an erasure that is begun has traces to look for")
        return {"step": "log", "pass": 1, "at": 0, "after": -1, "counts": {}, "traces": self._traces.as_json()}

    def batch(self, tx: Tx, state: State, most: int) -> Progress:
        """Go through the next rows."""
        traces, counts = ValueTraces.from_json(state["traces"]), Counter[str](state["counts"])
        done = {**state}
        if state["step"] == "log":
            self._log(tx, done, traces, counts, most * _ROWS)
        elif state["step"] == "tables":
            self._tables(tx, done, traces, counts, most * _ROWS)
        elif state["step"] == "dictionaries":
            self._dictionaries(tx, done, traces, counts, most * _ROWS)
        else:
            if not self._names(tx, traces, counts):
                # Somebody reported it again meanwhile.
                return Progress({**done, "step": "log", "pass": 1, "at": 0, "after": -1}, ended=False)
            erased.end(tx, self._erasure, counts, whole=False)
            jobs.begin(tx, _FILES, {})
            return Progress({"counts": dict(counts)}, ended=True)
        done |= {"counts": dict(counts), "traces": traces.as_json()}
        return Progress(done, ended=False)

    def _log(self, tx: Tx, done: dict[str, Any], traces: ValueTraces, counts: Counter[str], most: int) -> None:
        readers = _readers(tx)
        if done["at"] >= len(readers):
            again = done.get("grew", False)
            if again and done["pass"] < _MOST_PASSES:
                done |= {"pass": done["pass"] + 1, "at": 0, "after": -1, "grew": False}
            else:
                done |= {"step": "tables", "at": 0, "after": None}
            return
        reader = readers[done["at"]]
        rows, place = log_rows.after(tx, reader.collection.log, done["after"], most)
        rewriting = Rewriting(traces, counts)
        changes = [change for row in rows if (change := rewriting.decide(row, reader)) is not None]
        log_rows.change(tx, changes)
        done["grew"] = done.get("grew", False) or traces.grew
        done |= {"at": done["at"] + 1, "after": -1} if place is None else {"after": place}

    def _tables(self, tx: Tx, done: dict[str, Any], traces: ValueTraces, counts: Counter[str], most: int) -> None:
        spaces = partners.load_registry(tx).spaces

        def clean_status(partner: str, body: bytes) -> bytes:
            return _cleaned_status(body, spaces.get(partner, -1), traces)

        place = TablePlace(done["at"], done["after"])
        following = other_tables.clean(tx, traces, place, most, clean_status, counts)
        if following is None:
            done |= {"step": "dictionaries", "number": None, "at": 0, "after": -1}
        else:
            done |= {"at": following.table, "after": following.key}

    def _dictionaries(self, tx: Tx, done: dict[str, Any], traces: ValueTraces, counts: Counter[str], most: int) -> None:
        """Compress anew what was compressed with a dictionary that has words of the value."""
        number = done["number"]
        if number is None:
            holding = packed_words.holding(tx, lambda text: traces.is_in(text) or traces.names_id(text))
            if not holding:
                done["step"] = "names"
                return
            packed_words.put_aside(tx)
            done |= {"number": holding[0], "at": 0, "after": -1}
            return
        readers = _readers(tx)
        if done["at"] >= len(readers):
            packed_words.empty(tx, number)
            counts["dictionaries"] += 1
            done["number"] = None
            return
        place = log_rows.pack_again(tx, readers[done["at"]].collection.log, done["after"], most, number)
        done |= {"at": done["at"] + 1, "after": -1} if place is None else {"after": place}

    def _names(self, tx: Tx, traces: ValueTraces, counts: Counter[str]) -> bool:
        """Remove the names of the values, which later reports are held by; False where something is stored of them."""
        known = subjects.numbers(tx, traces.subjects)
        subjects.lock(tx, known)
        if next(log_rows.of_values(tx, known.values()), None) is not None:
            return False
        keys = {inbox.key(space, id_) if space != HUB else id_ for space, found in traces.ids.items() for id_ in found}
        counts["value_index"] += other_tables.forget_mentioned(tx, traces.subjects | keys)
        while gone := evidence.forget_unlinked(tx):
            counts["evidence_files"] += gone
        counts["subjects"] += other_tables.forget_subjects(tx, traces.subjects)
        names = all_names(traces.subjects)
        reviews.relist(tx, names)
        erased.hold(tx, names, self._erasure)
        return True


def begin(tx: Tx, erasure: str, traces: ValueTraces) -> None:
    """Begin the work of an erasure."""
    batches.begin(tx, ErasureJob(erasure, traces))


def unfinished(tx: Tx, *, idle_since: int | None = None) -> list[str]:
    """Return the ids of the erasures of which rows are left, of those nobody worked on since a moment."""
    return [
        job.name.removeprefix(_NAME)
        for job in jobs.unfinished(tx)
        if job.name.startswith(_NAME) and (idle_since is None or job.saved < idle_since)
    ]


def run(hub: Hub, erasure: str) -> Iterator[Mapping[str, int]]:
    """Do what is left of an erasure, but for the files; yields the counts of what was done after each batch."""
    _settle(hub, erasure)
    for state in batches.run(hub, ErasureJob(erasure)):
        yield state["counts"]


def rewrite_files(store: Store) -> bool:
    """Rewrite the files where an erasure needs it, and end the erasures that waited for that; return whether it did.

    Raises ``StoreUnavailable`` where it cannot be done now.
    """
    with store.read() as tx:
        job = jobs.find(tx, _FILES)
        waiting = [record.id for record in erased.all_erasures(tx, only_open=True)]
        busy = set(unfinished(tx))
    if job is None or job.ended is not None:
        return False
    tables = tuple(other_tables.names())
    done = compaction.compact(store, tables)
    with store.begin() as tx:
        for id_ in waiting:
            if id_ not in busy:
                erased.end(tx, id_, {**erased.find(tx, id_).counts, "tables_to_overwrite": len(done.freed)})
        jobs.save(tx, _FILES, {"freed": done.freed}, ended=True)
    if done.freed:
        log.warning("files-to-overwrite tables=%s do=VACUUM FULL in a quiet hour", ",".join(done.freed))
    return True


def resume(hub: Hub, *, idle_since: int, stopped: Callable[[], bool] = lambda: False) -> int:
    """Go on with erasures that nobody has worked on since ``idle_since`` (microseconds); return how many ended."""
    with hub.store.read() as tx:
        left = unfinished(tx, idle_since=idle_since)
        files = jobs.find(tx, _FILES)
    for erasure in left:
        for _ in run(hub, erasure):
            if stopped():
                return 0
    if left or (files is not None and files.ended is None and files.saved < idle_since):
        rewrite_files(hub.store)
    return len(left)


def _settle(hub: Hub, erasure: str) -> None:
    """Let those read that the value was withdrawn who learn of it from the log alone: digests, figures, matching."""
    store = hub.store
    with store.read() as tx:
        job = jobs.find(tx, _NAME + erasure)
        if job is None or job.ended is not None or job.state.get("pass") != 1 or job.state.get("at"):
            return
        kept = digests.kept(tx)
        every = collections.all_collections(tx)
    for collection in every:
        while collection.number in kept and digests.fold(store, collection):
            pass
    fold_all(hub)
    plain = [collection for collection in every if collection.filled_by_release and collection.part == PLAIN]
    deadline = time.monotonic() + _MATCHING_SECONDS
    while time.monotonic() < deadline:
        with store.read() as tx:
            if not any(match_rows.lagging(tx, collection.number, collection.last_added) for collection in plain):
                return
        time.sleep(0.5)


def _readers(tx: Tx) -> list[Reader]:
    """Return the collections whose logs are read, one for each log, with whose ids are in them."""
    spaces = partners.load_registry(tx).spaces
    found: list[Reader] = []
    for collection in sorted(collections.all_collections(tx), key=_inbox_first):
        if collection.log == collection.number:
            owner = spaces.get(collection.owner, -1) if collection.owner is not None else None
            found.append(Reader(collection, owner))
    return found


def _inbox_first(collection: Collection) -> tuple[bool, int]:
    return collection.kind != "inbox", collection.number


def _cleaned_status(body: bytes, space: int, traces: ValueTraces) -> bytes:
    """Return a status without the objects that are erased, and without the value in its messages."""
    if not (traces.names_id(body) or traces.is_in(body)):
        return body
    status = orjson.loads(body)
    for name in _LISTS_OF_STATUS:
        entries = status.get(name, [])
        left = [entry for entry in entries if entry["id"] not in traces.ids.get(space, ())]
        gone = len(entries) - len(left)
        if gone:
            status[_COUNTS_OF_STATUS[name]] -= gone
            status["total_count"] -= gone
        if left:
            status[name] = left
        else:
            status.pop(name, None)
    return orjson.dumps(traces.cleaned_object(status))
