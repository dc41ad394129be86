"""``scamfeed contribute``: raw files into a partner's inbox, of the hub on this machine or of one elsewhere."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, BinaryIO

import typer
from pydantic import ValidationError
from rich.console import Console

from feeds.client.lookups import HubSettings
from feeds.client.reports import ReportsClient
from feeds.errors import Misconfigured, TryLater
from feeds.mapping import remote
from feeds.mapping.contribute import HubInbox, contribute_file
from feeds.mapping.not_read import FileRead, FilesRead
from feeds.mapping.options import Options
from feeds.mapping.outcomes import RowOutcome, row_of
from feeds.mapping.output import RejectsWriter
from feeds.mapping.records import map_reports_or_records
from feeds.mapping.rows import Duplicate, Mapped, Reject
from feeds.mapping.seen import SeenInFiles
from feeds.readers.rows import Tally
from mappers.indicator import Profile
from server.cli.client.hub_login import AllowPrivate, CaFile, TokenFile, read_token
from server.cli.context import By, Context, Json, actor, fail, find_partner
from server.cli.large_work import prepare_process
from server.cli.status import new_warnings_shown
from server.features.reports.counts import show_counts
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

_LATER = 75
# Rows of a dry run that are shown.
_MOST_ROWS = 200
_Outcomes = Iterator[Mapped | Duplicate | Reject]


@dataclass
class _Run:
    """The state that the files of one command share; ``send`` maps and contributes one of them, or only maps it."""

    send: Callable[[BinaryIO, str, Options, SeenInFiles, Tally], _Outcomes]
    options: Options
    is_dry: bool
    seen: SeenInFiles = field(default_factory=SeenInFiles)
    files: FilesRead = field(default_factory=FilesRead)
    rows: list[tuple[str, RowOutcome]] = field(default_factory=list)
    later: TryLater | None = None

    def read(self, names: list[str], log: RejectsWriter) -> None:
        """Read the files in order, and write their refused rows to ``log``; end where a hub cannot answer now."""
        for name, stream, size, reported_at in opened(names, self.files.faults):
            with progress(name, stream, size) as tracked, one_file(name, self.files) as read:
                options, tally = self.options.at(reported_at), read.counts.tally
                try:
                    for outcome in readable(read, self.send(tracked, name, options, self.seen, tally)):
                        self._add(name, read, outcome, log)
                except TryLater as error:
                    self.later = error
            if self.later is not None:
                return

    def _add(self, name: str, read: FileRead, outcome: Mapped | Duplicate | Reject, log: RejectsWriter) -> None:
        read.counts.add(outcome)
        if self.is_dry and len(self.rows) < _MOST_ROWS:
            self.rows.append((name, row_of(outcome)))
        if isinstance(outcome, Reject):
            log.write(outcome)
            read.refused.add(outcome)


def contribute(
    ctx: typer.Context,
    file: Files,
    partner: Annotated[
        str | None, typer.Option(help="the partner in whose name and into whose inbox they go, at the hub here")
    ] = None,
    server: Annotated[
        str | None, typer.Option(help="the address of a hub elsewhere, to which they are sent as rows, by your token")
    ] = None,
    token_file: TokenFile = None,
    ca_file: CaFile = None,
    allow_private: AllowPrivate = False,
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
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="show the rows as they are understood, and send and store nothing")
    ] = False,
    by: By = None,
    json: Json = False,
) -> None:
    """Map raw files and put them into a partner's inbox, as if the partner had posted them: the release rules run.

    With --server the files are read here, and their rows are sent to POST /api/reports of that hub: columns that are
    not read never leave this machine. Exit 75 if the hub cannot answer now: the same command continues later.
    """
    if (partner is None) == (server is None):
        fail("give either --partner, of the hub here, or --server, of a hub elsewhere")
    prepare_process()
    name = partner or "your organisation"
    options = check_options(name, kind, format, scam_type, tlp, country, Profile.FULL, record, platform, os_)
    options, zone = with_timezone(ctx, options, timezone, date_order)
    with ExitStack() as stack:
        stack.enter_context(writable())
        log = stack.enter_context(RejectsWriter.to(rejects, contributed=not dry_run))
        stack.enter_context(custom_column_names(columns))
        if partner is not None:
            run = stack.enter_context(_at_hub(ctx, partner, options, by, dry_run=dry_run))
        elif dry_run:
            run = _Run(_planned, options, True)
        else:
            assert server is not None  # noqa: S101 - one of the two is given
            run = stack.enter_context(_elsewhere(server, token_file, ca_file, options, allow_private=allow_private))
        try:
            run.read(file, log)
        except Misconfigured as error:
            fail(str(error))
    show_refused(run.files, rejects)
    show_counts(run.files, Console(), zone, json=json, contributed=not dry_run, rows=_shown(run))
    if run.later is not None:
        fail(f"{run.later}; the same command goes on from here: the hub counts nothing twice", status=_LATER)
    end_if_refused(run.files.counts, strict=strict)


@contextmanager
def _at_hub(ctx: typer.Context, partner: str, options: Options, by: str | None, *, dry_run: bool) -> Iterator[_Run]:
    """Contribute at the hub whose store is here."""
    context: Context = ctx.obj
    with context.hub() as hub, new_warnings_shown(hub.store):
        with hub.store.read() as tx:
            who = find_partner(tx, partner)
        inbox = HubInbox(hub, who, actor(by))

        def send(stream: BinaryIO, name: str, given: Options, seen: SeenInFiles, tally: Tally) -> _Outcomes:
            if dry_run:
                return map_reports_or_records(stream, name, given, find=inbox.find, tally=tally, seen=seen)
            return contribute_file(inbox, stream, name, given, seen, tally)

        yield _Run(send, replace(options, reporter=who.name, reporter_kind=who.kind), dry_run)


@contextmanager
def _elsewhere(
    server: str, token_file: Path | None, ca_file: Path | None, options: Options, *, allow_private: bool
) -> Iterator[_Run]:
    """Send the rows to a hub elsewhere."""
    token = read_token(token_file)
    try:
        settings = HubSettings(url=server, ca_file=ca_file, allow_private=allow_private)
    except ValidationError as error:
        fail(f"--server: {error.errors()[0]['msg'].removeprefix('Value error, ')}")
    try:
        hub = ReportsClient(settings, token)
    except Misconfigured as error:
        fail(str(error))
    with hub as reports:

        def send(stream: BinaryIO, name: str, given: Options, seen: SeenInFiles, tally: Tally) -> _Outcomes:
            return remote.send_planned(reports.send, name, remote.plan(stream, name, given, seen, tally))

        yield _Run(send, options, False)


def _planned(stream: BinaryIO, name: str, options: Options, seen: SeenInFiles, tally: Tally) -> _Outcomes:
    return remote.outcomes_of(remote.plan(stream, name, options, seen, tally))


def _shown(run: _Run) -> list[dict[str, object]] | None:
    """Return the rows of a dry run, for people and JSON."""
    if not run.is_dry:
        return None
    return [
        {
            "file": name,
            "line": row.line,
            **({"part": row.part} if row.part else {}),
            "result": row.result,
            "kind": row.kind,
            "value": row.value,
            "columns": dict(row.columns),
            **({"reason": row.reason, "message": row.message} if row.reason else {}),
        }
        for name, row in run.rows
    ]


COMMANDS = {"contribute": contribute}
