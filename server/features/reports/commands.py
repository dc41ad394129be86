"""``scamfeed map`` and ``map-cluster``: raw files to STIX objects."""

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated, BinaryIO

import typer
from rich.console import Console

from feeds.mapping.cluster import NoCluster, contribute_files, map_files
from feeds.mapping.not_read import FileRead, FilesRead
from feeds.mapping.options import Options
from feeds.mapping.output import MispEventWriter, RejectsWriter, StixWriter, map_to
from feeds.mapping.records import map_records
from feeds.mapping.rows import Duplicate, Mapped, Reject, map_stream
from feeds.mapping.seen import SeenValues
from feeds.readers.record_rows import detect_records
from mappers.indicator import Profile
from server.cli.context import By, Context, Json, fail, find_partner, operator_name
from server.features.reports.counts import show_counts
from server.features.reports.decisions import Decisions
from server.features.reports.files import (
    Files,
    RejectsOption,
    StrictOption,
    one_file,
    opened,
    progress,
    readable,
    writable,
)
from server.features.reports.options import (
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
from server.features.reports.refused import end_if_refused, show_refused


class Target(StrEnum):
    """The reader of the output: a profile of STIX, or MISP in its own terms."""

    FULL = Profile.FULL
    CORE = Profile.CORE
    OPENCTI = Profile.OPENCTI
    MISP = "misp"


ProfileOption = Annotated[Target, typer.Option(help="consumer of the objects; misp: events as MISP has them")]


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
    explain: Annotated[
        bool,
        typer.Option("--explain", help="show each value: its line, taken or left, and the rule or words that decided"),
    ] = False,
    json: Json = False,
) -> None:
    """Map raw files to STIX 2.1 objects, without any store.

    Each value is mapped, a duplicate, or rejected with a reason; columns and cells that are not read are named and
    counted. With --json or --explain and no --output no objects are written.
    """
    for_misp = profile is Target.MISP
    if for_misp and record:
        fail("--profile misp: records are not written for MISP; map them for another profile")
    stix = Profile.CORE if for_misp else Profile(profile)
    options = check_options(reporter, kind, format, scam_type, tlp, country, stix, record, platform, os_)
    options, zone = with_timezone(ctx, options, timezone, date_order)
    decisions = Decisions() if explain else None
    jobs = jobs if columns is None and not explain else 1
    run = _MapRun(format, jobs, record=bool(record), may_detect=not record and not for_misp, decisions=decisions)
    with ExitStack() as stack:
        stack.enter_context(writable())
        stack.enter_context(custom_column_names(columns))
        target = Path(os.devnull) if (json or explain) and output is None else output
        sink = stack.enter_context(_sink(target, options, for_misp=for_misp))
        log = stack.enter_context(RejectsWriter.to(rejects))
        for name, stream, size, reported_at in opened(file, run.files.faults):
            with progress(name, stream, size) as tracked:
                run.map_file(name, tracked, options.at(reported_at), sink, log)
    run.show(rejects, zone, Console(stderr=output is None and not json), json=json)
    end_if_refused(run.files.counts, strict=strict)


@dataclass
class _MapRun:
    """The parts that the files of one ``scamfeed map`` share."""

    format: str | None
    jobs: int
    record: bool
    may_detect: bool
    seen: SeenValues = field(default_factory=SeenValues)
    seen_records: set[str] = field(default_factory=set)
    files: FilesRead = field(default_factory=FilesRead)
    decisions: Decisions | None = None

    def map_file(
        self, name: str, stream: BinaryIO, options: Options, sink: StixWriter | MispEventWriter, log: RejectsWriter
    ) -> None:
        """Map one file to ``sink``, its rejected rows to ``log``."""
        with one_file(name, self.files) as file:
            self._map_file(file, stream, options, sink, log)

    def show(self, rejects: Path | None, zone: str, console: Console, *, json: bool) -> None:
        """Print the decisions or the first rejects, then the counts."""
        if self.decisions is not None and not json:
            self.decisions.show(Console())
        else:
            show_refused(self.files, rejects)
        show_counts(self.files, console, zone, json=json, decisions=self.decisions)

    def _map_file(
        self, file: FileRead, stream: BinaryIO, options: Options, sink: StixWriter | MispEventWriter, log: RejectsWriter
    ) -> None:
        name, counts = file.name, file.counts
        is_records, stream = detect_records(stream, self.format) if self.may_detect else (self.record, stream)
        if self.jobs > 1 and not is_records and isinstance(sink, StixWriter):
            for reject in readable(file, map_to(sink, stream, name, options, self.seen, counts, self.jobs)):
                log.write(reject)
                file.refused.add(reject)
            return
        results: Iterator[Mapped | Duplicate | Reject]
        if is_records:
            results = map_records(stream, name, options, self.seen_records, tally=counts.tally)
        else:
            results = map_stream(stream, name, options, self.seen, counts.tally)
        if isinstance(sink, MispEventWriter):
            results = sink.reject_without_type(name, results)
        for result in readable(file, results):
            counts.add(result)
            if self.decisions is not None:
                self.decisions.add(name, result)
            if isinstance(result, Mapped):
                sink.write(result)
            elif isinstance(result, Reject):
                log.write(result)
                file.refused.add(result)


def _sink(
    path: Path | None, options: Options, *, for_misp: bool
) -> AbstractContextManager[StixWriter | MispEventWriter]:
    if for_misp:
        return MispEventWriter.to(path, options)
    return StixWriter.to(path, options)


WorkerFiles = Annotated[
    list[Path], typer.Argument(metavar="FILE...", help="files of reports, as every worker sees them")
]


def map_cluster(
    ctx: typer.Context,
    file: WorkerFiles,
    cluster: Annotated[str, typer.Option(help="a Dask scheduler, as tcp://HOST:8786, or local:N for N processes here")],
    output: Annotated[Path, typer.Option(help="folder of the results, as every worker sees it")],
    kind: KindOption = None,
    format: FormatOption = None,
    scam_type: ScamType = None,
    tlp: TlpOption = None,
    country: Country = None,
    timezone: Timezone = None,
    date_order: DateOrder = None,
    partner: Annotated[
        str | None, typer.Option(help="contribute the reports, in this partner's name and into its inbox")
    ] = None,
    profile: Annotated[Profile, typer.Option(help="consumer of the objects")] = Profile.FULL,
    reporter: Annotated[str, typer.Option(help="in whose name the objects are made")] = "Unnamed reporter",
    by: By = None,
    json: Json = False,
) -> None:
    """Map each file on a worker of its own: FOLDER/NAME.jsonl, and its rejected rows FOLDER/NAME.rejects.jsonl.

    Duplicates are found within a file; a value in two files becomes the same objects, with the same ids, twice.

    With --partner the workers contribute the objects, each as a node of the hub with its own configuration (--config,
    else scamfeed.toml where it runs, and its environment). After a stop, the same command continues each file from the
    place in FOLDER/NAME.progress.json.
    """
    options = check_options(reporter, kind, format, scam_type, tlp, country, profile, None)
    options, zone = with_timezone(ctx, options, timezone, date_order)
    missing = [path for path in file if not path.is_file()]
    if missing:
        fail(f"{missing[0]}: no such file")
    twice = [name for name, times in Counter(path.name for path in file).items() if times > 1]
    if twice:
        fail(f"{twice[0]}: two files of this name would be written to one; map them in two runs")
    output.mkdir(parents=True, exist_ok=True)
    # Workers count the refused rows, and do not list them.
    every = FileRead("")
    read = FilesRead(every.counts, files=[every])
    files, folder = [path.resolve() for path in file], output.resolve()
    if partner is None:
        parts = map_files(files, folder, options, cluster)
    else:
        context: Context = ctx.obj
        with context.store() as store, store.read() as tx:
            who = find_partner(tx, partner)
        options = replace(options, reporter=who.name, reporter_kind=who.kind, profile=Profile.FULL)
        config = context.config and context.config.resolve()
        parts = contribute_files(files, folder, options, cluster, config, who.name, operator_name(by))
    try:
        for part in parts:
            read.counts.take(part.counts)
            if part.fault:
                read.faults.append(f"{part.file.name}: {part.fault}")
    except NoCluster as error:
        fail(str(error))
    show_counts(read, Console(), zone, json=json, contributed=partner is not None)


COMMANDS = {"map": map_, "map-cluster": map_cluster}
