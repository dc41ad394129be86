"""Mapping and contribution on several machines: each worker of a Dask cluster processes one file at a time.

A contributing worker is a node of the hub: it opens the store itself, by its own configuration file, and releases the
reports that it maps. No password is sent through the cluster.
"""

import logging
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, TypeVar

import orjson

from feeds.errors import UnknownFormat, UnreadableFile
from feeds.mapping.contribute import BATCH, HubInbox, contribute_file
from feeds.mapping.options import Options
from feeds.mapping.output import RejectsWriter, StixWriter
from feeds.mapping.rows import Counts, Duplicate, Mapped, Reject, map_stream
from feeds.readers.rows import Note, Tally
from server.operations.operation import Actor
from server.release.hub import Hub
from server.release.results import Result
from server.settings import BadConfiguration, load
from server.setup import hub_of
from server.store import Store, StoreUnavailable, partners
from server.store.partners import UnknownPartner

_PATIENCE = "20s"
_R = TypeVar("_R")


class NoCluster(Exception):
    """No cluster can be reached; the message says what to do."""


def on_workers(items: Sequence[object], address: str, work: Callable[..., _R], *arguments: object) -> Iterator[_R]:
    """Call ``work`` with each item and the arguments on some worker, and yield each result when it is ready.

    ``address`` is that of a Dask scheduler (``tcp://host:8786``), or ``local:N`` for N processes of this machine.
    Raises ``NoCluster``.
    """
    try:
        from dask.distributed import Client, LocalCluster, as_completed
    except ImportError as error:
        raise NoCluster("Dask is not installed: pip install 'scamfeed[cluster]'") from error
    # The cluster itself logs workers that start and stop.
    logging.getLogger("distributed").setLevel(logging.ERROR)
    with ExitStack() as stack:
        try:
            where = address
            if address.startswith("local:"):
                number = int(address.removeprefix("local:"))
                local: Any = LocalCluster(  # type: ignore[no-untyped-call]  # Dask types it halfway
                    n_workers=number, threads_per_worker=1, dashboard_address=None
                )
                where = stack.enter_context(local)
            made: Any = Client(where, timeout=_PATIENCE, set_as_default=False)  # type: ignore[no-untyped-call]
            client = stack.enter_context(made)
        except (OSError, ValueError) as error:
            raise NoCluster(f"{address}: no cluster answers at this address; set tcp://HOST:PORT or local:N") from error
        results = [client.submit(work, item, *arguments, pure=False) for item in items]
        for done in as_completed(results, loop=client.loop):  # type: ignore[no-untyped-call]  # Dask types it halfway
            yield done.result()


class FileProgress:
    """The stored outcomes of one file, their counts, and the rejected rows among them.

    They are valid only for the unchanged file and the same options; otherwise nothing counts as done. ``counts``
    include the outcomes of earlier runs.
    """

    def __init__(self, folder: Path, file: Path, given: str) -> None:
        """Read the progress of ``file`` from ``folder``; ``given`` identifies the options and the partner."""
        self._saved = folder / f"{file.name}.progress.json"
        self._rejects = folder / f"{file.name}.rejects.jsonl"
        state = file.stat()
        self._of = blake2b(f"{state.st_size} {state.st_mtime_ns} {given}".encode(), digest_size=16).hexdigest()
        found = self._read()
        self.counts = _counts(found["counts"]) if found else Counts()
        self.is_complete: bool = bool(found and found["complete"])
        self._rejects_bytes: int = found["rejects_bytes"] if found else 0

    @property
    def outcomes(self) -> int:
        """Return the number of stored outcomes."""
        return self.counts.read

    @contextmanager
    def writing(self) -> Iterator["_Writing"]:
        """Open the file of rejected rows at the saved progress, to write and save more."""
        with self._rejects.open("r+b" if self._rejects_bytes else "wb") as out:
            out.truncate(self._rejects_bytes)
            out.seek(self._rejects_bytes)
            yield _Writing(self, out)

    def save(self, rejects_bytes: int, *, complete: bool) -> None:
        """Save the counts so far; a reader finds either the previous counts or these, never a part."""
        unfinished = self._saved.with_name(f".{self._saved.name}.{os.getpid()}.part")
        saved = {"of": self._of, "complete": complete, "rejects_bytes": rejects_bytes, "counts": _saved(self.counts)}
        with unfinished.open("wb") as out:
            out.write(orjson.dumps(saved, option=orjson.OPT_APPEND_NEWLINE))
            out.flush()
            os.fsync(out.fileno())
        unfinished.replace(self._saved)

    def _read(self) -> dict[str, Any] | None:
        try:
            found = orjson.loads(self._saved.read_bytes())
        except (FileNotFoundError, orjson.JSONDecodeError):
            return None
        return found if isinstance(found, dict) and found.get("of") == self._of else None


class _Writing:
    """Counts outcomes, writes the rejected rows among them, and saves the progress at intervals."""

    def __init__(self, progress: FileProgress, out: BinaryIO) -> None:
        self._progress = progress
        self._out = out
        self._rejects = RejectsWriter(out, contributed=True)
        # Counts the rows since the last save.
        self.tally = Tally()

    def add(self, outcome: Mapped | Duplicate | Reject) -> None:
        """Count a stored outcome."""
        self._progress.counts.add(outcome)
        if isinstance(outcome, Reject):
            self._rejects.write(outcome)

    def save(self, *, complete: bool = False) -> None:
        """Save the progress; rejected rows are on disk first."""
        self._progress.counts.tally.take(self.tally.taken())
        self._out.flush()
        os.fsync(self._out.fileno())
        self._progress.save(self._out.tell(), complete=complete)


def _saved(counts: Counts) -> dict[str, Any]:
    return {
        "read": counts.read,
        "mapped": counts.mapped,
        "duplicates": counts.duplicates,
        "rejected": counts.rejected,
        "unpublished": {result.value: reasons for result, reasons in counts.unpublished.items()},
        "rows": counts.tally.rows,
        "notes": [[*note, times] for note, times in counts.tally.counted().items()],
    }


def _counts(saved: dict[str, Any]) -> Counts:
    notes = Counter({Note(*note): times for *note, times in saved["notes"]})
    return Counts(
        saved["read"],
        saved["mapped"],
        saved["duplicates"],
        Counter(saved["rejected"]),
        Tally(saved["rows"], _notes=notes),
        {Result(result): Counter(reasons) for result, reasons in saved["unpublished"].items()},
    )


class MappedFile(NamedTuple):
    """The counts of one file; ``fault`` is the reason why it could not be read to its end."""

    file: Path
    counts: Counts
    fault: str | None


def map_files(files: Sequence[Path], folder: Path, options: Options, address: str) -> Iterator[MappedFile]:
    """Map each file into ``folder``, as ``NAME.jsonl`` with ``NAME.rejects.jsonl``, and yield each when it is finished.

    ``address`` is that of a Dask scheduler (``tcp://host:8786``), or ``local:N`` for N processes of this machine. Paths
    are those that the workers see. Duplicates are found within one file only: a report in two files becomes the same
    objects with the same ids twice. Raises ``NoCluster``.
    """
    return on_workers(files, address, map_file, folder, options)


def contribute_files(
    files: Sequence[Path], folder: Path, options: Options, address: str, config: Path | None, partner: str, by: str
) -> Iterator[MappedFile]:
    """Map and contribute each file in the name of ``partner``, and yield each when it is finished.

    ``by`` is the name of the person, for the audit trail. ``folder`` gets ``NAME.rejects.jsonl`` and
    ``NAME.progress.json``. A stopped run continues from its progress, and a file that was contributed completely is
    counted, not read. ``config`` is the path of the configuration file on the workers; None is ``scamfeed.toml`` in
    their working folder. Raises ``NoCluster``.
    """
    return on_workers(files, address, contribute_on_worker, folder, options, config, partner, by)


def map_file(file: Path, folder: Path, options: Options) -> MappedFile:
    """Map one file, on a worker."""
    counts, fault = Counts(), None
    dated = options.at(datetime.fromtimestamp(file.stat().st_mtime, UTC))
    with (
        file.open("rb") as stream,
        StixWriter.to(folder / f"{file.name}.jsonl", dated) as sink,
        RejectsWriter.to(folder / f"{file.name}.rejects.jsonl") as rejects,
    ):
        try:
            for outcome in map_stream(stream, str(file), dated, tally=counts.tally):
                counts.add(outcome)
                if isinstance(outcome, Mapped):
                    sink.write(outcome)
                elif isinstance(outcome, Reject):
                    rejects.write(outcome)
        except (UnknownFormat, UnreadableFile) as error:
            fault = str(error)
    return MappedFile(file, counts, fault)


def contribute_on_worker(
    file: Path, folder: Path, options: Options, config: Path | None, partner: str, by: str
) -> MappedFile:
    """Map and contribute one file, on a worker, starting after the progress of an earlier run."""
    try:
        progress = FileProgress(folder, file, f"{options} {partner}")
    except OSError as error:
        return MappedFile(file, Counts(), f"cannot be read by a worker: {error.strerror}")
    if progress.is_complete:
        return MappedFile(file, progress.counts, None)
    try:
        settings = load(config)
        with closing(Store.open(settings.database_url)) as store:
            _contribute(hub_of(settings, store), partner, by, file, options, progress)
    except BadConfiguration as error:
        return MappedFile(file, progress.counts, f"the worker's configuration: {error}")
    except StoreUnavailable as error:
        return MappedFile(file, progress.counts, f"{error}; the same command continues from here")
    except (UnknownPartner, UnknownFormat, UnreadableFile) as error:
        return MappedFile(file, progress.counts, str(error))
    except OSError as error:
        return MappedFile(file, progress.counts, f"{error.filename or file}: {error.strerror}")
    return MappedFile(file, progress.counts, None)


def _contribute(hub: Hub, name: str, by: str, file: Path, options: Options, progress: FileProgress) -> None:
    """Contribute the rest of a file, and save the progress with each batch."""
    with hub.store.read() as tx:
        partner = partners.get(tx, name)
    dated = options.at(datetime.fromtimestamp(file.stat().st_mtime, UTC))
    with file.open("rb") as stream, progress.writing() as writing:
        inbox = HubInbox(hub, partner, Actor.system(by))
        outcomes = contribute_file(inbox, stream, str(file), dated, None, writing.tally, progress.outcomes)
        try:
            for number, outcome in enumerate(outcomes, 1):
                writing.add(outcome)
                if number % BATCH == 0:
                    writing.save()
        except UnreadableFile:
            writing.save()
            raise
        writing.save(complete=True)
