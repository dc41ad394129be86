"""``scamfeed check``: what a partner's own copy knows of values."""

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from feeds.client.mirror.answers import CheckAnswer, CheckedValue
from feeds.client.mirror.check import Mirror
from feeds.client.mirror.clock import moment
from feeds.client.mirror.settings import UNKNOWN
from feeds.client.mirror.state import health_of
from feeds.connector import Misconfigured
from server.cli.client.mirror import configuration, notes_of
from server.cli.context import Context, Json, fail, show_json, show_table

# As programs say that it may be otherwise later (EX_TEMPFAIL).
_UNKNOWN_EXIT = 75
_COLUMNS = (
    *("value", "kind", "grade", "action", "site", "confidence", "hold", "valid_until", "disputed"),
    *("collections", "stale"),
)


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
    """Check values against your own copy: the grade, the action, a hold, and how current the answer is. It asks no hub.

    Exit 75 if the copies cannot tell whether a value is listed: ask again after the next sync.
    """
    context: Context = ctx.obj
    details = dict(text.partition("=")[::2] for text in detail or ())
    try:
        with Mirror(mirror or configuration(context)) as copy:
            answer = copy.answer([copy.check(raw, kind, details) for raw in value])
            reasons = [" ".join(note) for note in notes_of(health_of(copy.state(), moment()).shown)]
            if not copy.is_there:
                reasons.insert(0, "there is no copy yet; run: scamfeed mirror sync")
    except Misconfigured as error:
        fail(str(error))
    is_unknown = any(result.unknown for result in answer.results)
    if json:
        show_json(msgspec.to_builtins(answer))
    else:
        _show(answer)
    if is_unknown:
        fail("; ".join(["the copies cannot tell, ask again after the next sync", *reasons]), _UNKNOWN_EXIT)


def _show(answer: CheckAnswer) -> None:
    rows = [
        [
            result.value,
            result.kind,
            _grade(result),
            result.action,
            result.site and f"{result.site.value}: {result.site.grade}",
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
    for result in answer.results:
        if result.readings:
            readings = [[each.kind, each.normal, each.grade] for each in result.readings]
            show_table(f"{result.value} was looked up as each of these", ["kind", "value", "grade"], readings)


def _grade(result: CheckedValue) -> str | None:
    """Return the grade of a value in words, or why it has none."""
    if result.error:
        return result.error.message
    if result.unknown and result.grade is None:
        return UNKNOWN
    return f"{result.grade or 'none'} (sandbox: not real)" if result.sandbox else result.grade


COMMANDS = {"check": check}
