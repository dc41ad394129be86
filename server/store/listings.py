"""The ids under which the hub has listed each value, and how often.

A track is the place of a listing: "" for the shared collections, or the name of the partner that owns the private
collection, or ``track_of_provider`` of the value's provider. A value's listings in a track are numbered. A new one is
made when the last was revoked. The log stores all of them, each with its value.
"""

from collections.abc import Iterable, Mapping

from sqlalchemy import BigInteger, func, select, text

from server.store import subjects as values
from server.store.database.direct import fetch
from server.store.database.engine import Tx
from server.store.database.sql import among, chunks
from server.store.objects import object_ids
from server.store.objects.object_ids import PackedId
from server.store.release_tables import published_ids
from server.store.tables import collections, objects, subjects as subject_rows


def find(tx: Tx, subjects: Iterable[str]) -> dict[str, dict[str, list[str]]]:
    """Return by subject and track the ids under which the hub has listed it, the oldest first."""
    numbers = values.stored(tx, subjects)
    names = {number: name for name, number in numbers.items()}
    found: dict[str, dict[str, dict[str, int]]] = {}
    for chunk in chunks(sorted(names)):
        for number, owner, use, first, *packed in fetch(tx, _LISTED, {"numbers": chunk}):
            id_ = object_ids.unpack(PackedId(*packed))
            track = found.setdefault(names[number], {}).setdefault(track_of(owner, use), {})
            track[id_] = min(first, track.get(id_, first))
    return {
        subject: {track: sorted(ids, key=lambda id_: (ids[id_], id_)) for track, ids in sorted(tracks.items())}
        for subject, tracks in found.items()
    }


def track_of(owner: str | None, use: str | None) -> str:
    """Return the track of a collection with that owner and use."""
    if owner is None:
        return ""
    return track_of_provider(owner) if use == "accounts" else owner


def track_of_provider(partner: str) -> str:
    """Return the track of a provider's collection, by the partner's name, which contains no colon."""
    return _PROVIDER + partner


def provider_of_track(track: str) -> str | None:
    """Return the provider's name in such a track, or None for any other track."""
    return track.removeprefix(_PROVIDER) if track.startswith(_PROVIDER) else None


_PROVIDER = "accounts:"


def ids(tx: Tx, subject: str) -> set[str]:
    """Return all ids under which the hub has listed a value, in any track."""
    return all_of(find(tx, [subject]).get(subject, {}))


def all_of(tracks: Mapping[str, Iterable[str]]) -> set[str]:
    """Return the ids of all tracks together."""
    return {id_ for listed in tracks.values() for id_ in listed}


def subjects(tx: Tx, ids: Iterable[str]) -> dict[str, str]:
    """Return by id the values of the hub's listings among ``ids``."""
    found: dict[str, str] = {}
    for chunk in chunks(sorted(set(ids))):
        wanted = set(chunk)
        for subject, *packed in fetch(tx, _SUBJECTS, {"halves": sorted(map(object_ids.half, chunk))}):
            id_ = object_ids.unpack(PackedId(*packed))
            if id_ in wanted:
                found[id_] = subject
    return found


def older_id_of(tx: Tx, key: str) -> str | None:
    """Return the id under which an older program version published an annotation, by its inbox key, or None.

    Newer annotations have an id derived from the hub's secret. A later version of an older one keeps its id.
    """
    found: str | None = tx.execute(select(published_ids.c.id).where(published_ids.c.key == key)).scalar()
    return found


def has_older_ids(tx: Tx) -> bool:
    """Return whether an older program version published any annotation."""
    return tx.execute(select(published_ids.c.key).limit(1)).first() is not None


_log = objects.c
_NAME = (_log.space, _log.id_high, _log.id_low, _log.type, _log.type_name, _log.id_text)
# Reports have a space; listings have none.
_LISTED = (
    select(_log.value, collections.c.owner, collections.c.use, func.min(_log.date_added), *_NAME)
    .join_from(objects, collections, collections.c.number == _log.collection)
    .where(among(_log.value, "numbers", BigInteger), text("value IS NOT NULL"), _log.space == 0)
    .group_by(_log.value, collections.c.owner, collections.c.use, *_NAME)
)
_SUBJECTS = (
    select(subject_rows.c.subject, *_NAME)
    .join_from(objects, subject_rows, subject_rows.c.number == _log.value)
    .where(among(_log.id_high, "halves", BigInteger), _log.space == 0)
)
