"""Mapping on many machines: each file is mapped by a worker of a Dask cluster, into a file of its own."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from feeds.errors import UnreadableFile
from feeds.mapping.options import Options
from feeds.mapping.output import Rejects, Sink
from feeds.mapping.rows import Counts, Mapped, Reject, map_stream

_PATIENCE = "20s"


class NoCluster(Exception):
    """There is no cluster to be had; the message says what to do."""


class Part(NamedTuple):
    """What became of one file; ``fault`` says why it could not be read (on)."""

    file: Path
    counts: Counts
    fault: str | None


def map_files(files: Sequence[Path], folder: Path, options: Options, address: str) -> Iterator[Part]:
    """Map each file into ``folder``, as ``NAME.jsonl`` and its rejects as ``NAME.rejects.jsonl``; gives what is done.

    ``address`` is a Dask scheduler's (``tcp://host:8786``), or ``local:N`` for N processes of this machine. Files and
    folder are named as every worker sees them. Duplicates are noticed within a file; what two files say becomes the
    same objects with the same ids twice. Raises ``NoCluster``.
    """
    try:
        from dask.distributed import Client, LocalCluster, as_completed
    except ImportError as error:
        raise NoCluster("Dask is not installed: pip install 'scamfeed[cluster]'") from error
    # Who comes and goes is the cluster's own business.
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


def map_file(file: Path, folder: Path, options: Options) -> Part:
    """Map one file; this is what a worker does."""
    counts, fault = Counts(), None
    dated = options.at(datetime.fromtimestamp(file.stat().st_mtime, UTC))
    with (
        file.open("rb") as stream,
        Sink.to(folder / f"{file.name}.jsonl", dated) as sink,
        Rejects.to(folder / f"{file.name}.rejects.jsonl") as rejects,
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
    return Part(file, counts, fault)
