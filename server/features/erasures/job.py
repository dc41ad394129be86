"""The work of an erasure, in batches: the log, all other tables, the names, and finally the files.

After an interruption it continues where it was. The job's state contains the value until the last batch, and no longer.
"""

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import orjson

from server.features.erasures import compaction, log_step, other_tables
from server.features.erasures.other_tables import TablePlace
from server.features.evidence import files as evidence
from server.features.trends.fold import fold_all
from server.features.uploads import drafts as uploads
from server.release import batches
from server.release.batches import BatchJob, Progress, State
from server.release.hub import Hub
from server.release.traces import HUB, ValueTraces, all_names
from server.store import Store, collections, erased, inbox, jobs, partners, reviews, subjects
from server.store.database.engine import Tx
from server.store.item import PLAIN
from server.store.objects import digests, log_rows
from server.store.operators import sent_forms

log = logging.getLogger(__name__)

_NAME = "erase "
# The job that removes deleted rows from the database's files as well.
FILES = "rewrite files"
# Rows read for each value in a batch of other jobs: most stay unchanged.
_ROWS = 8
# Maximum time until private matching has read the revocation of the value.
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

    def __init__(self, erasure: str, traces: ValueTraces | None = None, *, holds: bool = True) -> None:
        """Do the erasure with that id, which looks for ``traces`` when it begins, and ``holds`` later reports."""
        self.name = _NAME + erasure
        self._erasure = erasure
        self._traces = traces
        self._holds = holds

    def first(self, tx: Tx) -> State:
        """Begin with the log."""
        if self._traces is None:
            raise ValueError("an erasure needs traces when it begins")
        return {**log_step.FIRST, "counts": {}, "traces": self._traces.as_json(), "holds": self._holds}

    def batch(self, tx: Tx, state: State, most: int) -> Progress:
        """Process the next rows."""
        traces, counts = ValueTraces.from_json(state["traces"]), Counter[str](state["counts"])
        # Without a phase, a version without the index of texts began it.
        done = {**state} if "phase" in state else {**state, **log_step.FIRST}
        if done["step"] == "log":
            if not log_step.advance(tx, done, traces, counts, most * _ROWS):
                done |= {"step": "tables", "at": 0, "after": None, "parts": []}
        elif done["step"] == "tables":
            self._tables(tx, done, traces, counts, most * _ROWS)
        elif done["step"] == "dictionaries":
            self._dictionaries(tx, done, traces, counts, most * _ROWS)
        else:
            if not self._names(tx, traces, counts, holds=state.get("holds", True)):
                # The value was reported again in the meantime.
                return Progress({**done, **log_step.FIRST}, ended=False)
            erased.end(tx, self._erasure, counts, whole=False)
            jobs.begin(tx, FILES, {})
            return Progress({"counts": dict(counts)}, ended=True)
        done |= {"counts": dict(counts), "traces": traces.as_json()}
        return Progress(done, ended=False)

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
        """Recompress the rows whose compression dictionary has words of the value."""
        number = done["number"]
        if number is None:
            holding = log_rows.dictionaries_holding(tx, lambda text: traces.is_in(text) or traces.names_id(text))
            if not holding:
                done["step"] = "names"
                return
            log_rows.put_dictionaries_aside(tx)
            done |= {"number": holding[0], "at": 0, "after": -1}
            return
        readers = log_step.readers_of(tx)
        if done["at"] >= len(readers):
            log_rows.empty_dictionary(tx, number)
            counts["dictionaries"] += 1
            done["number"] = None
            return
        place = log_rows.pack_again(tx, readers[done["at"]].collection.log, done["after"], most, number)
        done |= {"at": done["at"] + 1, "after": -1} if place is None else {"after": place}

    def _names(self, tx: Tx, traces: ValueTraces, counts: Counter[str], *, holds: bool) -> bool:
        """Remove the names of the values, by which later reports are held; False if rows about them remain.

        Another hub's erasure ``holds`` no reports of this hub's own partners.
        """
        known = subjects.numbers(tx, traces.subjects)
        subjects.lock(tx, known)
        if next(log_rows.of_values(tx, known.values()), None) is not None:
            return False
        keys = {inbox.key(space, id_) if space != HUB else id_ for space, found in traces.ids.items() for id_ in found}
        counts["value_index"] += other_tables.forget_mentioned(tx, traces.subjects | keys)
        while gone := evidence.forget_unlinked(tx):
            counts["evidence_files"] += gone
        counts["subjects"] += other_tables.forget_subjects(tx, traces.subjects)
        counts["upload_pieces"] += uploads.end_for_erasure(tx)
        names = all_names(traces.subjects)
        reviews.relist(tx, names)
        if holds:
            erased.hold(tx, names, self._erasure)
        return True


def begin(tx: Tx, erasure: str, traces: ValueTraces, *, holds: bool = True) -> None:
    """Begin the work of an erasure, which ``holds`` later reports of the value for a review."""
    # Encrypted answers to forms may show the value, and cannot be cleaned.
    sent_forms.forget_all(tx)
    batches.begin(tx, ErasureJob(erasure, traces, holds=holds))


def unfinished(tx: Tx, *, idle_since: int | None = None) -> list[str]:
    """Return the ids of erasures with remaining rows, limited to those without work since ``idle_since``."""
    return [
        job.name.removeprefix(_NAME)
        for job in jobs.unfinished(tx)
        if job.name.startswith(_NAME) and (idle_since is None or job.saved < idle_since)
    ]


def run(hub: Hub, erasure: str) -> Iterator[Mapping[str, int]]:
    """Do the rest of an erasure, except the files; yields the counts after each batch."""
    _settle(hub, erasure)
    for state in batches.run(hub, ErasureJob(erasure)):
        yield state["counts"]


def rewrite_files(store: Store) -> bool:
    """Rewrite the files if an erasure needs it, and end the erasures that waited for that; return whether it did.

    Raises ``StoreUnavailable`` if it cannot be done now.
    """
    with store.read() as tx:
        job = jobs.find(tx, FILES)
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
        jobs.save(tx, FILES, {"freed": done.freed}, ended=True)
    if done.freed:
        log.warning("files-to-overwrite tables=%s do=VACUUM FULL in a quiet hour", ",".join(done.freed))
    return True


def resume(hub: Hub, *, idle_since: int, stopped: Callable[[], bool] = lambda: False) -> int:
    """Continue erasures that no process has worked on since ``idle_since`` (microseconds); return how many ended."""
    with hub.store.read() as tx:
        left = unfinished(tx, idle_since=idle_since)
        files = jobs.find(tx, FILES)
    for erasure in left:
        for _ in run(hub, erasure):
            if stopped():
                return 0
    if left or (files is not None and files.ended is None and files.saved < idle_since):
        rewrite_files(hub.store)
    return len(left)


def _settle(hub: Hub, erasure: str) -> None:
    """Remove the value from the operator's lists, which are files, and update the parts that learn of the revocation
    only from the log: digests, figures, matching.
    """
    store = hub.store
    with store.read() as tx:
        job = jobs.find(tx, _NAME + erasure)
        if job is None or job.ended is not None or job.state.get("pass", 0) > 0:
            return
        traces = ValueTraces.from_json(job.state["traces"])
        kept = digests.kept(tx)
        every = collections.all_collections(tx)
    if gone := hub.allowlists.remove(lambda entry: traces.is_in(entry.encode())):
        log.info("list-entries-erased entries=%s", gone)
    for collection in every:
        while collection.number in kept and digests.fold(store, collection):
            pass
    fold_all(hub)
    plain = [collection for collection in every if collection.filled_by_release and collection.part == PLAIN]
    deadline = time.monotonic() + _MATCHING_SECONDS
    while time.monotonic() < deadline:
        with store.read() as tx:
            if not any(log_rows.lagging_sets(tx, collection.number, collection.last_added) for collection in plain):
                return
        time.sleep(0.5)


def _cleaned_status(body: bytes, space: int, traces: ValueTraces) -> bytes:
    """Return a status without the erased objects, and without the value in its messages."""
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
