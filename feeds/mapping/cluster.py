"""Mapping on several machines: each worker of a Dask cluster maps one file into one file."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from feeds.errors import UnreadableFile
from feeds.mapping.options import Options
from feeds.mapping.output import RejectsWriter, StixWriter
from feeds.mapping.rows import Counts, Mapped, Reject, map_stream

_PATIENCE = "20s"


class NoCluster(Exception):
    """No cluster can be reached; the message says what to do."""


class MappedFile(NamedTuple):
    """The counts of one file; ``fault`` is the reason why it could not be read to its end."""

    file: Path
    counts: Counts
    fault: str | None


def map_files(files: Sequence[Path], folder: Path, options: Options, address: str) -> Iterator[MappedFile]:
    """Map each file into ``folder``, as ``NAME.jsonl`` with ``NAME.rejects.jsonl``, and yield each when it is done.

    ``address`` is that of a Dask scheduler (``tcp://host:8786``), or ``local:N`` for N processes of this machine. Paths
    are those that the workers see. Duplicates are found within one file only: a report in two files becomes the same
    objects with the same ids twice. Raises ``NoCluster``.
    """
    try:
        from dask.distributed import Client, LocalCluster, as_completed
    except ImportError as error:
        raise NoCluster("Dask is not installed: pip install 'scamfeed[cluster]'") from error
    # Workers that come and go are logged by the cluster itself.
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
            raise NoCluster(f"{address}: no cluster answers there; name tcp://HOST:PORT or local:N") from error
        work = [client.submit(map_file, file, folder, options, pure=False) for file in files]
        for done in as_completed(work, loop=client.loop):  # type: ignore[no-untyped-call]  # Dask types it halfway
            yield done.result()


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
        except UnreadableFile as error:
            fault = str(error)
    return MappedFile(file, counts, fault)
