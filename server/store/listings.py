"""The ids under which the hub has listed each value, and how often.

A track is the place of a listing: "" for the shared collections, or the name of the partner whose private collection
it is in. A value's listings in a track are numbered: a new one is made when the last was revoked.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import delete, select

from server.store.engine import Tx
from server.store.release_tables import listings, published_ids
from server.store.sql import any_of, chunks, insert_many


class ListingId(NamedTuple):
    """The id of one listing of a value: its track, its number there (from 0), and its STIX id."""

    subject: str
    track: str
    number: int
    id: str


def find(tx: Tx, subjects: Iterable[str]) -> dict[str, dict[str, list[str]]]:
    """Return by subject, and by track, the ids under which the hub has listed it, the oldest first."""
    found: dict[str, dict[str, list[str]]] = {}
    columns = listings.c
    asked = select(columns.subject, columns.track, columns.id).order_by(columns.subject, columns.track, columns.number)
    for chunk in chunks(sorted(set(subjects))):
        for subject, track, id_ in tx.execute(asked.where(any_of(tx, columns.subject, chunk))):
            found.setdefault(subject, {}).setdefault(track, []).append(id_)
    return found


def ids(tx: Tx, subject: str) -> set[str]:
    """Return all ids under which the hub has listed a value, in any track."""
    return all_of(find(tx, [subject]).get(subject, {}))


def all_of(tracks: Mapping[str, Iterable[str]]) -> set[str]:
    """Return the ids of all tracks together."""
    return {id_ for listed in tracks.values() for id_ in listed}


def subjects(tx: Tx, ids: Iterable[str]) -> dict[str, str]:
    """Return by id the value of those of ``ids`` that are the hub's listings."""
    found: dict[str, str] = {}
    asked = select(listings.c.id, listings.c.subject)
    for chunk in chunks(sorted(set(ids))):
        found.update((id_, subject) for id_, subject in tx.execute(asked.where(any_of(tx, listings.c.id, chunk))))
    return found


def record(tx: Tx, new: Sequence[ListingId]) -> None:
    """Record new listings."""
    insert_many(tx, listings, new)


def move(tx: Tx, subject: str, to: str) -> None:
    """Move the listings of a value to another, after those that this has."""
    known = find(tx, [subject, to])
    tx.execute(delete(listings).where(listings.c.subject == subject))
    rows = [
        ListingId(to, track, number, id_)
        for track, ids in known.get(subject, {}).items()
        for number, id_ in enumerate(ids, len(known.get(to, {}).get(track, ())))
    ]
    insert_many(tx, listings, rows)


def older_id_of(tx: Tx, key: str) -> str | None:
    """Return the id under which an older version of the project published an annotation, by its inbox key; else None.

    An annotation published since has an id by the hub's secret; a later version of an older one keeps its id.
    """
    found: str | None = tx.execute(select(published_ids.c.id).where(published_ids.c.key == key)).scalar()
    return found


def has_older_ids(tx: Tx) -> bool:
    """Return whether an older version of the project published any annotation."""
    return tx.execute(select(published_ids.c.key).limit(1)).first() is not None
