"""The feedback to a partner on its contributions: each event, with the times of its object."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from mappers import extension
from mappers.report_reader import from_stix
from schemas.errors import Rejected
from server.features.receipts import timeline
from server.store import Tx, collections, inbox, log, partners, value_index
from server.store.collections import Collection
from server.store.database.times import micros, stamp
from server.store.item import Item

STAGES = ("reported", "released", "read", "acted")
_NOTES_FIRST = 8
_NOTES_AT_ONCE = 100
# Number of events checked for one page; the last note may add a few more.
_LOOKED_AT = 4_000


class EventPlace(NamedTuple):
    """A place in the list of events: the ``date_added`` of a note, and how many of its events precede it."""

    added: int
    number: int


class EventFilter(NamedTuple):
    """The requested events: an ``event``, a ``kind`` of value, a ``reference`` of the partner; "" is any.

    ``since`` is in microseconds. ``ids`` are their objects, None for all; so are those whose value has the ``ending``,
    such as the last digits of an account.
    """

    event: str = ""
    kind: str = ""
    reference: str = ""
    ending: str = ""
    since: int = 0
    ids: frozenset[str] | None = None


class EventPage(NamedTuple):
    """Some events, the newest first, the place of the next page, and the time up to which events were checked
    (microseconds).

    Both are None at the end of the list.
    """

    rows: list[dict[str, Any]]
    following: EventPlace | None
    looked_back_to: int | None


class OwnValue(NamedTuple):
    """The kind and the value of a partner's own report."""

    kind: str
    value: str


def told(tx: Tx, partner: str, since: datetime | None, limit: int) -> list[dict[str, Any]]:
    """Return a row for each event and object, the latest ``limit`` of them, oldest first, with the object's times."""
    found = _events(tx, partner, 0 if since is None else micros(since), limit)[-limit:]
    return _with_times(tx, partner, found)


def events_since(tx: Tx, partner: str, since: int, limit: int) -> list[dict[str, Any]]:
    """Return a row for each event and object since then (microseconds), the latest ``limit`` of them."""
    return _events(tx, partner, since, limit)[-limit:]


def page(tx: Tx, partner: str, wanted: EventFilter, before: EventPlace | None = None, most: int = 100) -> EventPage:
    """Return the requested events after the place ``before``, the newest first, with kind, value and times.

    At most some thousand events are checked; for rare events the next page continues from there.
    """
    collection = collections.find_private(tx, partner, "outcomes")
    if collection is None:
        return EventPage([], None, None)
    rows: list[dict[str, Any]] = []
    values: dict[str, OwnValue] = {}
    looked_at, up_to, skip = 0, before.added if before else None, before.number if before else 0
    while True:
        notes = _notes_up_to(tx, collection, up_to)
        for added, events in notes:
            if added < wanted.since:
                return _page(tx, partner, rows, values, None)
            left = events[skip:]
            values |= own_values(tx, partner, {row["object"] for row in left}) if wanted.kind or wanted.ending else {}
            for number, row in enumerate(left, skip + 1):
                if _is_wanted(row, wanted, values):
                    rows.append(row)
                    if len(rows) == most:
                        return _page(tx, partner, rows, values, EventPlace(added, number))
            looked_at, up_to, skip = looked_at + len(left), added - 1, 0
            if looked_at >= _LOOKED_AT:
                return _page(tx, partner, rows, values, EventPlace(added, len(events)))
        if len(notes) < _NOTES_AT_ONCE:
            return _page(tx, partner, rows, values, None)


def own_values(tx: Tx, partner: str, wanted: Iterable[str]) -> dict[str, OwnValue]:
    """Return kind and value of the partner's own reports, by id; other objects are omitted."""
    ids = {id_ for id_ in wanted if id_.startswith("indicator--")}
    return _values(inbox.of_partner(tx, partners.space(tx, partner), ids))


def reported_values(tx: Tx, keys: Iterable[str]) -> dict[str, OwnValue]:
    """Return kind and value of reports, by their key in the inbox; other objects are omitted. For operators."""
    return _values(inbox.latest(tx, {key for key in keys if inbox.object_id(key).startswith("indicator--")}))


def _values(items: Mapping[str, Item]) -> dict[str, OwnValue]:
    found: dict[str, OwnValue] = {}
    for name, item in items.items():
        with suppress(Rejected):
            report = from_stix(msgspec.json.decode(item.body))
            found[name] = OwnValue(str(report.kind), report.value)
    return found


def own_reports(tx: Tx, partner: str, subjects: Iterable[str]) -> frozenset[str]:
    """Return the ids of the partner's own reports of values, by their names in the value index."""
    space = partners.space(tx, partner)
    keys = {key for found in value_index.find(tx, subjects).values() for key in found}
    mine = {inbox.object_id(key) for key in keys if inbox.space(key) == space}
    return frozenset(id_ for id_ in mine if id_.startswith("indicator--"))


def _notes_up_to(tx: Tx, collection: Collection, up_to: int | None) -> list[tuple[int, list[dict[str, Any]]]]:
    """Return the events of the last notes up to a ``date_added``, by the time each was added, the newest first."""
    ids = log.latest_of_type(tx, collection, "note", _NOTES_AT_ONCE, up_to=up_to)
    notes, added = log.latest(tx, collection, ids), log.added(tx, collection, ids)
    return [(added[id_], _events_of(msgspec.json.decode(notes[id_].body))) for id_ in ids]


def _is_wanted(row: Mapping[str, Any], wanted: EventFilter, values: Mapping[str, OwnValue]) -> bool:
    own = values.get(row["object"])
    if wanted.kind and (own is None or own.kind != wanted.kind):
        return False
    has_ending = bool(wanted.ending) and own is not None and own.value.casefold().endswith(wanted.ending.casefold())
    return (
        wanted.event in ("", row["event"])
        and wanted.reference in ("", row.get("reference"))
        and ((wanted.ids is None and not wanted.ending) or has_ending or row["object"] in (wanted.ids or ()))
    )


def _page(
    tx: Tx,
    partner: str,
    rows: Sequence[dict[str, Any]],
    known: Mapping[str, OwnValue],
    following: EventPlace | None,
) -> EventPage:
    values = {**known, **own_values(tx, partner, {row["object"] for row in rows} - known.keys())}
    named = [{**row, **(values[row["object"]]._asdict() if row["object"] in values else {})} for row in rows]
    return EventPage(_with_times(tx, partner, named), following, following.added if following else None)


def _events(tx: Tx, partner: str, since: int, limit: int) -> list[dict[str, Any]]:
    """Return at least the latest ``limit`` events since then, oldest first, or all if there are fewer."""
    collection = collections.find_private(tx, partner, "outcomes")
    # A note may have a thousand objects, or none.
    wanted = min(_NOTES_FIRST, limit)
    while collection is not None:
        ids = log.latest_of_type(tx, collection, "note", wanted)[::-1]
        notes, added = log.latest(tx, collection, ids), log.added(tx, collection, ids)
        found = [row for id_ in ids if added[id_] >= since for row in _events_of(msgspec.json.decode(notes[id_].body))]
        if len(found) >= limit or len(ids) < wanted or added[ids[0]] < since:
            return found
        wanted *= 2
    return []


def _events_of(note: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a row for each object of a note, with the partner's own reference for it."""
    feedback = extension.context_of(note).get("feedback")
    return [_event(ref, feedback, note["id"]) for ref in note["object_refs"]] if feedback else []


def _event(ref: str, feedback: Mapping[str, Any], note_id: str) -> dict[str, Any]:
    row = {"object": ref, **feedback}
    references = row.pop("references", {})
    return {**row, **({"reference": references[ref]} if ref in references else {}), "note": note_id}


def _with_times(tx: Tx, partner: str, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    times = timeline.of_reports(tx, partner, {row["object"] for row in rows})
    return [{**row, **_times(times.get(row["object"]))} for row in rows]


def _times(journey: timeline.Journey | None) -> dict[str, str | None]:
    at = dict.fromkeys(STAGES) if journey is None else {stage: getattr(journey, stage) for stage in STAGES}
    return {stage: None if moment is None else stamp(moment) for stage, moment in at.items()}
