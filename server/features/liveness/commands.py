"""Commands about liveness: show which listed names are gone, and record what the hub cannot see by itself."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from schemas import timestamp
from schemas.errors import Rejected
from server.cli.context import By, Context, Json, actor, fail, show_json, show_properties, show_table
from server.features.liveness import records
from server.features.liveness.number_ranges import MOST_BYTES, read_ranges, times_of
from server.features.liveness.operations import (
    MOST_FOLLOWED,
    MOST_VALUES,
    EndReregistered,
    FollowListed,
    Observed,
    RecordBack,
    RecordGone,
)
from server.operations.operation import Operation
from server.operations.run import run
from server.release.query import lookup
from server.setup import hub_of
from server.store.database.times import micros, stamp

app = typer.Typer(help="Whether listed names still exist, by DNS and RDAP.", no_args_is_help=True)

_MOST = 10_000
_Values = Annotated[list[str], typer.Argument(help="values in any spelling")]


@app.command("list")
def list_(ctx: typer.Context, json: Json = False) -> None:
    """List the values whose name is gone, and those whose listing ended because of a new owner."""
    context: Context = ctx.obj
    with context.store() as store, store.read() as tx:
        rows = [
            {"value": value.subject.partition(":")[2], "state": "gone", "since": stamp(host.gone or 0)}
            for value, host in records.gone(tx, _MOST)
        ]
        rows += [
            {"value": value.subject.partition(":")[2], "state": "new-owner", "since": stamp(value.ended or 0)}
            for value in records.ended(tx, _MOST)
        ]
        hosts = records.count_hosts(tx)
    if json:
        show_json({"hosts": hosts, "values": rows})
        return
    columns = ["value", "state", "since"]
    show_table("Listed names", columns, [[row[name] for name in columns] for row in rows])


@app.command()
def follow(ctx: typer.Context, by: By = None, json: Json = False) -> None:
    """Follow the names that were listed before liveness was turned on."""
    context: Context = ctx.obj
    if not context.settings.dns_servers:
        fail("the hub asks no server about names: set dns_servers first")
    with context.store() as store:
        hub, after, seen = hub_of(context.settings, store), None, 0
        while True:
            with store.read() as tx:
                known = records.hosts_known(tx, after, MOST_FOLLOWED)
            seen += run(hub, FollowListed(subjects=tuple(subject for _, subject in known)), actor(by))
            if len(known) < MOST_FOLLOWED:
                break
            after = known[-1][0]
    show_properties("Names", {"values": seen}, json=json)


@app.command()
def gone(ctx: typer.Context, values: _Values, by: By = None) -> None:
    """Record in the open takedown requests about values that these are gone."""
    _run(ctx, values, lambda subjects: RecordGone(subjects=subjects), by)


@app.command()
def back(ctx: typer.Context, values: _Values, by: By = None) -> None:
    """Ask again about values that exist again, where a request or report ended because they were gone."""
    _run(ctx, values, lambda subjects: RecordBack(subjects=subjects), by)


@app.command()
def end(
    ctx: typer.Context,
    values: _Values,
    registered: Annotated[str, typer.Option(help="when the new owner got it, as 2026-11-30T08:00:00Z")],
    by: By = None,
) -> None:
    """Hold the reports of values whose domain or number has a new owner, if none is newer than that."""
    moment = micros(timestamp.parse(registered))
    _run(ctx, values, lambda subjects: EndReregistered(subjects=subjects, registered=moment), by)


@app.command()
def numbers(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="CSV: range (+66812), assigned (2026-11-30T08:00:00Z)", exists=True)],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only count the numbers in these ranges")] = False,
    by: By = None,
    json: Json = False,
) -> None:
    """Hold the reports of telephone numbers in ranges that were assigned again, if none is newer than that."""
    if file.stat().st_size > MOST_BYTES:
        fail(f"the file is larger than {MOST_BYTES:,} bytes: send it in parts")
    try:
        ranges = read_ranges(file.read_text(encoding="utf-8-sig"))
    except UnicodeDecodeError:
        fail("the file is not in UTF-8: save it as CSV UTF-8")
    except Rejected as refusal:
        fail(refusal.message)
    context: Context = ctx.obj
    with context.store() as store:
        hub = hub_of(context.settings, store)
        with store.read() as tx:
            times = times_of(ranges, records.numbers(tx))
        held = 0
        for assigned in sorted(set(times.values())) if not dry_run else ():
            subjects = sorted(f"phone:{number}" for number, time in times.items() if time == assigned)
            for start in range(0, len(subjects), MOST_VALUES):
                some = tuple(subjects[start : start + MOST_VALUES])
                held += len(run(hub, EndReregistered(subjects=some, registered=micros(assigned)), actor(by)).ids)
    show_properties("Numbers assigned again", {"numbers": len(times), "reports_held": held}, json=json)


def _run(
    ctx: typer.Context, values: list[str], operation: Callable[[tuple[str, ...]], Operation[Observed]], by: str | None
) -> None:
    """Run the ``operation`` for the subjects of the values."""
    context: Context = ctx.obj
    with context.store() as store:
        hub = hub_of(context.settings, store)
        with store.read() as tx:
            subjects = lookup.subjects(tx, values, hub.country)
        run(hub, operation(tuple(sorted(subjects))), actor(by))


COMMANDS = {"liveness": app}
