"""``scamfeed map`` and ``scamfeed contribute``: raw files to STIX, to a file or into the inbox."""

import os
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, BinaryIO, TypeVar

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from feeds.errors import UnknownFormat, UnreadableFile
from feeds.mapping.contribute import contribute_file, contribute_records
from feeds.mapping.dedup import SeenValues
from feeds.mapping.options import Options
from feeds.mapping.output import MispEventWriter, RejectsWriter, StixWriter
from feeds.mapping.parallel import map_to
from feeds.mapping.records import map_records
from feeds.mapping.rows import Counts, Duplicate, Mapped, Reject, map_stream
from feeds.readers.record_rows import detect_records
from feeds.runs.runner import prepare_process
from mappers.indicator import Profile
from schemas import timestamp
from server.cli.context import Context, Json, fail
from server.cli.hub.status import new_warnings_shown
from server.cli.partners.access import find_partner
from server.cli.reports.counts import show_counts
from server.cli.reports.options import (
    ColumnsOption,
    Country,
    DateOrder,
    FormatOption,
    KindOption,
    OsOption,
    PlatformOption,
    RecordOption,
    ScamType,
    Timezone,
    TlpOption,
    check_options,
    custom_column_names,
    with_timezone,
)
from server.cli.reports.refused import RefusedRows, end_if_refused

Files = Annotated[list[str], typer.Argument(metavar="FILE...", help="files of reports; - is standard input")]
RejectsOption = Annotated[
    Path | None,
    typer.Option(help="where to write the rejected rows, as JSON lines [default: the first are named on stderr]"),
]
StrictOption = Annotated[bool, typer.Option("--strict", help="end with exit code 1 if a row is refused")]


class Target(StrEnum):
    """The reader of the output: a profile of STIX, or MISP in its own terms."""

    FULL = Profile.FULL
    CORE = Profile.CORE
    OPENCTI = Profile.OPENCTI
    MISP = "misp"


ProfileOption = Annotated[Target, typer.Option(help="whom the objects are for; misp: events as MISP has them")]

STDIN = "-"

_O = TypeVar("_O")


def map_(
    ctx: typer.Context,
    file: Files,
    kind: KindOption = None,
    format: FormatOption = None,
    scam_type: ScamType = None,
    tlp: TlpOption = None,
    country: Country = None,
    platform: PlatformOption = None,
    os_: OsOption = None,
    timezone: Timezone = None,
    date_order: DateOrder = None,
    columns: ColumnsOption = None,
    record: RecordOption = None,
    output: Annotated[
        Path | None,
        typer.Option(help="where to write: .json is one bundle, anything else JSON lines [default: standard output]"),
    ] = None,
    rejects: RejectsOption = None,
    strict: StrictOption = False,
    profile: ProfileOption = Target.FULL,
    jobs: Annotated[int, typer.Option(min=1, max=256, help="how many processes map at once")] = 1,
    reporter: Annotated[str, typer.Option(help="in whose name the objects are made")] = "Unnamed reporter",
    json: Json = False,
) -> None:
    """Map raw files to STIX 2.1 objects, without any store.

    Each value is mapped, a duplicate, or rejected with a reason; columns and cells that are not read are named and
    counted. With --json and no --output only the counts are shown.
    """
    for_misp = profile is Target.MISP
    if for_misp and record:
        fail("--profile misp: records are not written for MISP; map them for another profile")
    stix = Profile.CORE if for_misp else Profile(profile)
    options = check_options(reporter, kind, format, scam_type, tlp, country, stix, record, platform, os_)
    options, zone = with_timezone(ctx, options, timezone, date_order)
    run = _MapRun(format, jobs if columns is None else 1, record=bool(record), may_detect=not record and not for_misp)
    with ExitStack() as stack:
        stack.enter_context(_writable())
        stack.enter_context(custom_column_names(columns))
        target = Path(os.devnull) if json and output is None else output
        sink = stack.enter_context(_sink(target, options, for_misp=for_misp))
        log = stack.enter_context(RejectsWriter.to(rejects))
        for name, stream, size, reported_at in _opened(file, run.faults):
            with _progress(name, stream, size) as tracked:
                run.map_file(name, tracked, options.at(reported_at), sink, log)
    run.refused.show(run.counts, rejects)
    show_counts(run.counts, json, Console(stderr=output is None and not json), run.faults, zone)
    end_if_refused(run.counts, strict=strict)


@dataclass
class _MapRun:
    """The parts that the files of one ``scamfeed map`` share."""

    format: str | None
    jobs: int
    record: bool
    may_detect: bool
    counts: Counts = field(default_factory=Counts)
    seen: SeenValues = field(default_factory=SeenValues)
    seen_records: set[str] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)
    refused: RefusedRows = field(default_factory=RefusedRows)

    def map_file(
        self, name: str, stream: BinaryIO, options: Options, sink: StixWriter | MispEventWriter, log: RejectsWriter
    ) -> None:
        """Map one file to ``sink``, its rejected rows to ``log``."""
        is_records, stream = detect_records(stream, self.format) if self.may_detect else (self.record, stream)
        if self.jobs > 1 and not is_records and isinstance(sink, StixWriter):
            rejected = map_to(sink, stream, name, options, self.seen, self.counts, self.jobs)
            for reject in _readable(name, rejected, self.faults):
                log.write(reject)
                self.refused.add(reject)
            return
        results: Iterator[Mapped | Duplicate | Reject]
        if is_records:
            results = map_records(stream, name, options, self.seen_records, tally=self.counts.tally)
        else:
            results = map_stream(stream, name, options, self.seen, self.counts.tally)
        if isinstance(sink, MispEventWriter):
            results = sink.reject_without_type(name, results)
        for result in _readable(name, results, self.faults):
            self.counts.add(result)
            if isinstance(result, Mapped):
                sink.write(result)
            elif isinstance(result, Reject):
                log.write(result)
                self.refused.add(result)


def _sink(
    path: Path | None, options: Options, *, for_misp: bool
) -> AbstractContextManager[StixWriter | MispEventWriter]:
    if for_misp:
        return MispEventWriter.to(path, options)
    return StixWriter.to(path, options)


def contribute(
    ctx: typer.Context,
    file: Files,
    partner: Annotated[str, typer.Option(help="the partner in whose name and into whose inbox they go")],
    kind: KindOption = None,
    format: FormatOption = None,
    scam_type: ScamType = None,
    tlp: TlpOption = None,
    country: Country = None,
    platform: PlatformOption = None,
    os_: OsOption = None,
    timezone: Timezone = None,
    date_order: DateOrder = None,
    columns: ColumnsOption = None,
    record: RecordOption = None,
    rejects: RejectsOption = None,
    strict: StrictOption = False,
    json: Json = False,
) -> None:
    """Map raw files and put them into a partner's inbox, as if the partner had posted them: the release rules run."""
    context: Context = ctx.obj
    prepare_process()
    counts = Counts()
    seen = SeenValues()
    seen_records: set[str] = set()
    faults: list[str] = []
    refused = RefusedRows()
    with (
        context.hub() as hub,
        _writable(),
        RejectsWriter.to(rejects, contributed=True) as log,
        custom_column_names(columns),
    ):
        with hub.store.read() as tx:
            who = find_partner(tx, partner)
        options = check_options(who.name, kind, format, scam_type, tlp, country, Profile.FULL, record, platform, os_)
        options, zone = with_timezone(ctx, replace(options, reporter_kind=who.kind), timezone, date_order)
        for name, stream, size, reported_at in _opened(file, faults):
            with new_warnings_shown(hub.store), _progress(name, stream, size) as tracked:
                dated_options = options.at(reported_at)
                records, tracked = (True, tracked) if record else detect_records(tracked, format)
                outcomes = (
                    contribute_records(hub, who, tracked, name, dated_options, seen_records, counts.tally)
                    if records
                    else contribute_file(hub, who, tracked, name, dated_options, seen, counts.tally)
                )
                for outcome in _readable(name, outcomes, faults):
                    counts.add(outcome)
                    if isinstance(outcome, Reject):
                        log.write(outcome)
                        refused.add(outcome)
    refused.show(counts, rejects)
    show_counts(counts, json, Console(), faults, zone, contributed=True)
    end_if_refused(counts, strict=strict)


@contextmanager
def _writable() -> Iterator[None]:
    """End the program if its output cannot be written."""
    try:
        yield
    except BrokenPipeError:  # who reads our output has read enough, which is no error
        raise
    except OSError as error:
        fail(f"{error.filename or 'the output'}: cannot be written: {error.strerror}")


def _opened(files: list[str], faults: list[str]) -> Iterator[tuple[str, BinaryIO, int | None, datetime]]:
    """Open each file in turn; yield its name, its bytes, their number, and the time of its last change.

    Errors of files that cannot be opened are added to ``faults``.
    """
    for name in files:
        if name != STDIN and not Path(name).is_file():
            fail(f"{name}: no such file")
    for name in files:
        if name == STDIN:
            yield name, sys.stdin.buffer, None, timestamp.now()
            continue
        try:
            with Path(name).open("rb") as stream:
                state = Path(name).stat()
                yield name, stream, state.st_size, datetime.fromtimestamp(state.st_mtime, UTC)
        except OSError as error:
            faults.append(f"{name}: cannot be read: {error.strerror}")


@contextmanager
def _progress(name: str, stream: BinaryIO, size: int | None) -> Iterator[BinaryIO]:
    """Show the progress in a file, on a terminal only."""
    console = Console(stderr=True)
    if not console.is_terminal or size is None:
        yield stream
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        yield progress.wrap_file(stream, total=size, description=Path(name).name)


def _readable(name: str, outcomes: Iterator[_O], faults: list[str]) -> Iterator[_O]:
    """Yield ``outcomes``; if the file cannot be read further, add the reason to ``faults``."""
    try:
        yield from outcomes
    except (UnknownFormat, UnreadableFile) as error:
        faults.append(f"{name}: {error}")
    except OSError as error:
        faults.append(f"{name}: cannot be read: {error.strerror}")
