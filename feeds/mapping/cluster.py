"""Mapping and contribution on several machines: each worker of a Dask cluster takes a file at a time.

A worker that contributes is a node of the hub: it opens the store itself, by the configuration that it finds, and
releases what it maps. No password goes through the cluster.
"""

from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from feeds.cluster import on_workers
from feeds.errors import UnknownFormat, UnreadableFile
from feeds.mapping.contribute import BATCH, contribute_file, contribute_records
from feeds.mapping.file_progress import FileProgress
from feeds.mapping.options import Options
from feeds.mapping.output import RejectsWriter, StixWriter
from feeds.mapping.rows import Counts, Mapped, Reject, map_stream
from feeds.readers.record_rows import detect_records
from server.release.hub import Hub
from server.settings import BadConfiguration, load
from server.setup import hub_of
from server.store import Store, StoreUnavailable, partners
from server.store.partners import UnknownPartner


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
    return on_workers(files, address, map_file, folder, options)


def contribute_files(
    files: Sequence[Path], folder: Path, options: Options, address: str, config: Path | None, partner: str
) -> Iterator[MappedFile]:
    """Map and contribute each file in the name of ``partner``, and yield each when it is done.

    ``folder`` gets ``NAME.rejects.jsonl`` and ``NAME.progress.json``: a run that was stopped goes on where it was, and
    a file that was contributed whole is counted, not read. ``config`` is the configuration file as workers see it; None
    is ``scamfeed.toml`` where they run. Raises ``NoCluster``.
    """
    return on_workers(files, address, contribute_on_worker, folder, options, config, partner)


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


def contribute_on_worker(file: Path, folder: Path, options: Options, config: Path | None, partner: str) -> MappedFile:
    """Map and contribute one file, on a worker, from where an earlier run left it."""
    try:
        progress = FileProgress(folder, file, f"{options} {partner}")
    except OSError as error:
        return MappedFile(file, Counts(), f"cannot be read by a worker: {error.strerror}")
    if progress.is_complete:
        return MappedFile(file, progress.counts, None)
    try:
        settings = load(config)
        with closing(Store.open(settings.database_url)) as store:
            _contribute(hub_of(settings, store), partner, file, options, progress)
    except BadConfiguration as error:
        return MappedFile(file, progress.counts, f"the worker's configuration: {error}")
    except StoreUnavailable as error:
        return MappedFile(file, progress.counts, f"{error}; the same command goes on from here")
    except (UnknownPartner, UnknownFormat, UnreadableFile) as error:
        return MappedFile(file, progress.counts, str(error))
    except OSError as error:
        return MappedFile(file, progress.counts, f"{error.filename or file}: {error.strerror}")
    return MappedFile(file, progress.counts, None)


def _contribute(hub: Hub, name: str, file: Path, options: Options, progress: FileProgress) -> None:
    """Contribute what is left of a file, and save the progress with each batch."""
    with hub.store.read() as tx:
        partner = partners.get(tx, name)
    dated = options.at(datetime.fromtimestamp(file.stat().st_mtime, UTC))
    with file.open("rb") as stream, progress.writing() as writing:
        is_records, rows = (True, stream) if options.record else detect_records(stream, options.format)
        contribute = contribute_records if is_records else contribute_file
        start = progress.outcomes
        outcomes = contribute(hub, partner, rows, str(file), dated, None, writing.tally, start)
        try:
            for number, outcome in enumerate(outcomes, 1):
                writing.add(outcome)
                if number % BATCH == 0:
                    writing.save()
        except UnreadableFile:
            writing.save()
            raise
        writing.save(complete=True)
