"""``scamfeed outcomes``: the events of a partner's contributions, and the totals of its own outcomes."""

import csv
import sys
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any

import typer

from schemas import timestamp
from schemas.errors import Rejected
from schemas.fields import plain_amount
from server.cli.context import Context, Json, fail, find_partner, show_json, show_table
from server.features.reports import feedback
from server.features.reports.feedback import STAGES
from server.store.database.times import parse
from server.store.outcomes import totals
from server.store.outcomes.totals import DayTotals

_SECOND = 1_000_000


def outcomes(
    ctx: typer.Context,
    partner: Annotated[str, typer.Option(help="whose contributions")],
    since: Annotated[str | None, typer.Option(help="only events at or after this time")] = None,
    limit: Annotated[int, typer.Option(min=1, help="the maximum number of rows, the latest")] = 1_000,
    as_csv: Annotated[bool, typer.Option("--csv", help="print the totals by day as CSV, and nothing else")] = False,
    json: Json = False,
) -> None:
    """Show the events of a partner's contributions with their times, and the totals of the outcomes that it stated.

    The totals are of the days from --since on. Two outcomes may have totals of the same money: never add them up.
    """
    context: Context = ctx.obj
    start = _moment(since)
    with context.store() as store, store.read() as tx:
        name = find_partner(tx, partner, gone=True).name
        stated = totals.totals(tx, name, None if start is None else start.date())
        rows = [] if as_csv else feedback.told(tx, name, start, limit)
    if as_csv:
        _write_csv(stated)
        return
    sums = _summed(stated)
    if json:
        show_json({"partner": name, "outcomes": rows, "totals": sums})
        return
    columns = ["at", "event", "by_kind", "outcome", "object"]
    show_table(
        f"Outcomes of {name}; from the report on, in seconds",
        [*columns, *STAGES[1:]],
        [[*(row.get(column) for column in columns), *_after(row)] for row in rows],
    )
    if sums:
        show_table(f"Totals that {name} stated", list(sums[0]), [list(row.values()) for row in sums])


def _summed(stated: Iterable[DayTotals]) -> list[dict[str, Any]]:
    """Return the totals of all days, by outcome, kind and currency."""
    found: dict[tuple[str, str, str], list[DayTotals]] = defaultdict(list)
    for row in stated:
        found[row.outcome, row.kind, row.currency].append(row)
    return [
        {
            "outcome": outcome,
            "kind": kind,
            "records": sum(row.records for row in rows),
            "count": sum(row.number for row in rows),
            "victims": sum(row.victims for row in rows),
            "amount": plain_amount(totals.added(row.amount for row in rows)) if currency else None,
            "currency": currency or None,
        }
        for (outcome, kind, currency), rows in sorted(found.items())
    ]


def _write_csv(stated: Iterable[DayTotals]) -> None:
    """Write the totals by day; those of several scam types in one row."""
    found: dict[tuple[str, ...], list[DayTotals]] = defaultdict(list)
    for row in stated:
        found[row.day.isoformat(), row.outcome, row.kind, row.country, row.currency].append(row)
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(["day", "outcome", "kind", "country", "currency", "records", "count", "victims", "amount"])
    for cell, rows in sorted(found.items()):
        numbers = [sum(getattr(row, name) for row in rows) for name in ("records", "number", "victims")]
        amount = plain_amount(totals.added(row.amount for row in rows)) if cell[-1] else ""
        writer.writerow([*cell, *numbers, amount])


def _after(row: dict[str, Any]) -> list[float | None]:
    """Return how long after its report an object reached each later stage, in seconds."""
    start = row[STAGES[0]]
    since = [None if row[stage] is None or start is None else parse(row[stage]) - parse(start) for stage in STAGES[1:]]
    return [None if after is None else max(0, after) / _SECOND for after in since]


def _moment(text: str | None) -> datetime | None:
    try:
        return None if text is None else timestamp.parse(text)
    except Rejected as refusal:
        fail(f"--since: {refusal.message}")


COMMANDS = {"outcomes": outcomes}
