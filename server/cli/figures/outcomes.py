"""``scamfeed outcomes``: the events of a partner's contributions."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

import msgspec
import typer

from mappers import extension
from schemas import timestamp
from schemas.errors import Rejected
from server.cli.context import Context, Json, fail, show_json, show_table
from server.cli.partners.access import find_partner
from server.release.query import timeline
from server.store import Tx, collections, log
from server.store.database.times import micros, parse, stamp

_STAGES = ("reported", "released", "read", "acted")
_SECOND = 1_000_000
_NOTES_FIRST = 8


def outcomes(
    ctx: typer.Context,
    partner: Annotated[str, typer.Option(help="whose contributions")],
    since: Annotated[str | None, typer.Option(help="only events at or after this time")] = None,
    limit: Annotated[int, typer.Option(min=1, help="rows at most, the latest")] = 1_000,
    json: Json = False,
) -> None:
    """Show the events of a partner's contributions, and when these were reported, released, read and acted on."""
    context: Context = ctx.obj
    start = _moment(since)
    with context.store() as store, store.read() as tx:
        name = find_partner(tx, partner, gone=True).name
        rows = _told(tx, name, start, limit)
    if json:
        show_json({"partner": name, "outcomes": rows})
        return
    columns = ["at", "event", "by_kind", "outcome", "object"]
    show_table(
        f"Outcomes of {name}; from the report on, in seconds",
        [*columns, *_STAGES[1:]],
        [[*(row.get(column) for column in columns), *_after(row)] for row in rows],
    )


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
