"""``scamfeed check``: what a partner's own copy knows of values."""

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from feeds.connector import Misconfigured
from feeds.mirror.answers import CheckedValue
from feeds.mirror.check import Mirror
from server.cli.client.mirror import configuration
from server.cli.context import Context, Json, fail, show_json, show_table

_COLUMNS = ("value", "kind", "grade", "action", "confidence", "hold", "valid_until", "disputed", "collections", "stale")


def check(
    ctx: typer.Context,
    value: Annotated[list[str], typer.Argument(help="values, in any spelling")],
    kind: Annotated[str | None, typer.Option(help="the kind of all of them [default: what each looks like]")] = None,
    detail: Annotated[
        list[str] | None, typer.Option(help="a column of the kind, as bank=KBANK; for all of them", metavar="NAME=TEXT")
    ] = None,
    mirror: Annotated[
        Path | None, typer.Option(help="the mirror's TOML file, or its copy [default: mirror.toml in this folder]")
    ] = None,
    json: Json = False,
) -> None:
    """Check values against your own copy: the grade, the action, a hold, and how current that is. Asks no hub."""
    context: Context = ctx.obj
    details = dict(text.partition("=")[::2] for text in detail or ())
    try:
        with Mirror(mirror or configuration(context)) as copy:
            answer = copy.answer([copy.check(raw, kind, details) for raw in value])
    except Misconfigured as error:
        fail(str(error))
    if json:
        show_json(msgspec.to_builtins(answer))
        return
    rows = [
        [
            result.value,
            result.kind,
            _grade(result),
            result.action,
            result.confidence,
            result.hold and f"{result.hold.amount or 'all'} {result.hold.currency or ''} until {result.hold.until}",
            result.valid_until,
            result.disputed,
            ", ".join(result.collections),
            result.stale,
        ]
        for result in answer.results
    ]
    show_table(f"As of {answer.as_of or 'never'}", _COLUMNS, rows)


def _grade(result: CheckedValue) -> str | None:
    """Return the grade of a value in words, or why it has none."""
    if result.error:
        return result.error.message
    return f"{result.grade or 'none'} (sandbox: not real)" if result.sandbox else result.grade
