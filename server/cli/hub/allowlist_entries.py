"""``scamfeed allowlist``: values that operators enter as harmless, and which list would hold a value."""

from typing import Annotated

import typer

from schemas.errors import Rejected
from server.cli.context import By, Context, Json, fail, operator_name, show_json, show_table
from server.release.guard.allowlists import entered
from server.release.guard.allowlists.entered import BadEntry
from server.release.guard.try_value import try_value
from server.store.allowlist import entries
from server.store.allowlist.entries import AllowlistEntry, TooManyEntries, UnknownEntry
from server.store.database.times import stamp

app = typer.Typer(help="Values that you know as harmless: reports of them wait for a review.", no_args_is_help=True)

Value = Annotated[str, typer.Argument(help="a domain, an account and so on, alone or behind its kind: phone:+66…")]


@app.command()
def add(
    ctx: typer.Context,
    value: Value,
    reason: Annotated[str, typer.Option(help="why it is harmless; never a person's name or number")],
    days: Annotated[int | None, typer.Option(help="for so many days [default: until it is removed]")] = None,
    below: Annotated[
        bool, typer.Option("--below", help="of a domain: every host below it and their pages too")
    ] = False,
    by: By = None,
    json: Json = False,
) -> None:
    """Enter a value as harmless, in place of an earlier entry of it; what is listed already stays."""
    context: Context = ctx.obj
    with context.store() as store, store.begin() as tx:
        try:
            entry = entered.entry_of(value, reason, operator_name(by), days=days, below=below)
            entered.add(tx, entry)
        except (BadEntry, TooManyEntries) as error:
            fail(str(error))
    if json:
        show_json(_row(entry))
    else:
        show_table("Entered", ["property", "value"], _row(entry).items())


@app.command(name="list")
def list_(ctx: typer.Context, json: Json = False) -> None:
    """List the values that operators entered, also those whose time is over."""
    context: Context = ctx.obj
    with context.store() as store, store.read() as tx:
        rows = [_row(entry) for entry in entries.page(tx, limit=entries.MOST)]
    if json:
        show_json(rows)
    else:
        columns = ["kind", "value", "below", "reason", "by", "added", "until"]
        show_table("Entered values", columns, [list(row.values()) for row in rows])


@app.command()
def remove(ctx: typer.Context, value: Value, by: By = None) -> None:
    """Remove a value: later reports of it pass."""
    context: Context = ctx.obj
    with context.store() as store, store.begin() as tx:
        try:
            entered.remove(tx, entered.read_subject(value)[1], operator_name(by))
        except (BadEntry, UnknownEntry) as error:
            fail(str(error))


@app.command(name="test")
def try_(ctx: typer.Context, value: Value, json: Json = False) -> None:
    """Test a value: which list would hold a report of it, and what the sender would read."""
    context: Context = ctx.obj
    with context.hub() as hub, hub.store.read() as tx:
        try:
            rows = [found._asdict() for found in try_value(hub, tx, value)]
        except Rejected as refusal:
            fail(refusal.message)
    if json:
        show_json(rows)
    else:
        show_table("Would be held by", ["kind", "value", "rule", "message"], [list(row.values()) for row in rows])


def _row(entry: AllowlistEntry) -> dict[str, object]:
    kind, _, value = entry.subject.partition(":")
    until = None if entry.until is None else stamp(entry.until)
    return {
        "kind": kind,
        "value": value,
        "below": entry.below,
        "reason": entry.reason,
        "by": entry.added_by,
        "added": stamp(entry.added),
        "until": until,
    }
