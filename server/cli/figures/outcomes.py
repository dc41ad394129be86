"""``scamfeed outcomes``: the events of a partner's contributions, and the totals of its own outcomes."""

import csv
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Annotated, Any

import msgspec
import typer

from mappers import extension
from schemas import timestamp
from schemas.errors import Rejected
from schemas.fields import plain_amount
from server.cli.context import Context, Json, fail, show_json, show_table
from server.cli.partners.access import find_partner
from server.release.query import timeline
from server.store import Tx, collections, log
from server.store.database.times import micros, parse, stamp
from server.store.outcomes import totals
from server.store.outcomes.totals import DayTotals

_STAGES = ("reported", "released", "read", "acted")
_SECOND = 1_000_000
_NOTES_FIRST = 8


def outcomes(
    ctx: typer.Context,
    partner: Annotated[str, typer.Option(help="whose contributions")],
    since: Annotated[str | None, typer.Option(help="only events at or after this time")] = None,
    limit: Annotated[int, typer.Option(min=1, help="rows at most, the latest")] = 1_000,
    as_csv: Annotated[bool, typer.Option("--csv", help="print the totals by day as CSV, and nothing else")] = False,
    json: Json = False,
) -> None:
    """Show the events of a partner's contributions with their times, and the totals of the outcomes that it stated.

    The totals are of the days from ``--since`` on; those of two outcomes may be of the same money.
    """
    context: Context = ctx.obj
    start = _moment(since)
    with context.store() as store, store.read() as tx:
        name = find_partner(tx, partner, gone=True).name
        stated = totals.totals(tx, name, None if start is None else start.date())
        rows = [] if as_csv else _told(tx, name, start, limit)
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
        [*columns, *_STAGES[1:]],
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


def _told(tx: Tx, partner: str, since: datetime | None, limit: int) -> list[dict[str, Any]]:
    """Return a row for each event and object, the latest ``limit`` of them, oldest first, with the object's times."""
    found = _events(tx, partner, 0 if since is None else micros(since), limit)[-limit:]
    times = timeline.of_reports(tx, partner, {row["object"] for row in found})
    return [{**row, **_times(times.get(row["object"]))} for row in found]


def _events(tx: Tx, partner: str, since: int, limit: int) -> list[dict[str, Any]]:
    """Return at least the latest ``limit`` events since then, oldest first, or all where there are fewer."""
    collection = collections.find_private(tx, partner, "outcomes")
    # A note may tell of a thousand objects, or of none.
    wanted = min(_NOTES_FIRST, limit)
    while collection is not None:
        ids = log.latest_of_type(tx, collection, "note", wanted)[::-1]
        notes, added = log.latest(tx, collection, ids), log.added(tx, collection, ids)
        found = [
            _event(ref, feedback, note["id"])
            for note in (msgspec.json.decode(notes[id_].body) for id_ in ids if added[id_] >= since)
            if (feedback := extension.context_of(note).get("feedback"))
            for ref in note["object_refs"]
        ]
        if len(found) >= limit or len(ids) < wanted or added[ids[0]] < since:
            return found
        wanted *= 2
    return []


def _event(ref: str, feedback: Mapping[str, Any], note_id: str) -> dict[str, Any]:
    """Return the row of one object that a note tells of, with the partner's own reference of it."""
    row = {"object": ref, **feedback}
    references = row.pop("references", {})
    return {**row, **({"reference": references[ref]} if ref in references else {}), "note": note_id}


def _after(row: dict[str, Any]) -> list[float | None]:
    """Return how long after its report an object reached each later stage, in seconds."""
    start = row[_STAGES[0]]
    since = [None if row[stage] is None or start is None else parse(row[stage]) - parse(start) for stage in _STAGES[1:]]
    return [None if after is None else max(0, after) / _SECOND for after in since]


def _times(journey: timeline.Journey | None) -> dict[str, str | None]:
    at = dict.fromkeys(_STAGES) if journey is None else {stage: getattr(journey, stage) for stage in _STAGES}
    return {stage: None if moment is None else stamp(moment) for stage, moment in at.items()}


def _moment(text: str | None) -> datetime | None:
    try:
        return None if text is None else timestamp.parse(text)
    except Rejected as refusal:
        fail(f"--since: {refusal.message}")
