"""The feedback that a partner has of its contributions: each event, with the times of the object that it is about."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from mappers import extension
from server.release.query import timeline
from server.store import Tx, collections, log
from server.store.database.times import micros, stamp

STAGES = ("reported", "released", "read", "acted")
_NOTES_FIRST = 8


def told(tx: Tx, partner: str, since: datetime | None, limit: int) -> list[dict[str, Any]]:
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


def _times(journey: timeline.Journey | None) -> dict[str, str | None]:
    at = dict.fromkeys(STAGES) if journey is None else {stage: getattr(journey, stage) for stage in STAGES}
    return {stage: None if moment is None else stamp(moment) for stage, moment in at.items()}
