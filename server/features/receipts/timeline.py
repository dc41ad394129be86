"""Times of each published object: reported, released, first read, first acted on."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import msgspec

from mappers import extension
from mappers.report_reader import from_stix
from schemas.errors import Rejected
from schemas.vocabulary import FUNDS_HELD, outcomes_that
from server.release.query.spread import Spread, spread
from server.store import collections, inbox, listings, log, partners, read_progress, value_index
from server.store.collections import Collection
from server.store.database.engine import Tx

# Stored opinions may have the word that earlier versions used for ``held``.
_ACTIONS = outcomes_that("acts") | {FUNDS_HELD}
_SECOND = 1_000_000
# Number of objects in a summary, those changed last.
_RECENT = 1_000


class Journey(NamedTuple):
    """The times at which a published object reached each stage (microseconds), None if it has not.

    - ``reported``: the first partner's report of the value reached the inbox.
    - ``released``: the object was added to a collection.
    - ``read``: a partner first received it.
    - ``acted``: the hub received the first outcome that states an action, by ``schemas.vocabulary``.
    """

    id: str
    reported: int | None = None
    released: int | None = None
    read: int | None = None
    acted: int | None = None


def recent(tx: Tx, limit: int = _RECENT) -> list[Journey]:
    """Return the journeys of the indicators that changed last in the collections that the release rules fill."""
    listing_collections = _listing_collections(tx)
    ids = dict.fromkeys(
        id_ for collection in listing_collections for id_ in log.latest_of_type(tx, collection, "indicator", limit)
    )
    return list(of(tx, list(ids)[:limit]).values())


def of(tx: Tx, ids: Iterable[str]) -> dict[str, Journey]:
    """Return the journeys of published indicators, by id; omit ids that were never published."""
    listing_collections = _listing_collections(tx)
    wanted = sorted(set(ids))
    released: dict[str, int] = {}
    read: dict[str, int] = {}
    subjects: dict[str, str] = {}
    for collection in listing_collections:
        for id_, added in log.first_added(tx, collection, wanted).items():
            released[id_] = min(added, released.get(id_, added))
            at = read_progress.first_read_at(tx, collection.id, added)
            if at is not None:
                read[id_] = min(at, read.get(id_, at))
        missing = [id_ for id_ in wanted if id_ not in subjects]
        subjects |= _subjects((item.id, item.body) for item in log.latest(tx, collection, missing).values())
    reports = _reports(tx, set(subjects.values()))
    acted = _actions(tx, {key for first_came in reports.values() for key in first_came} | set(wanted))
    journeys = {}
    for id_ in wanted:
        if id_ in released:
            of_value = reports.get(subjects.get(id_, ""), {})
            acts = [acted[key] for key in (id_, *of_value) if key in acted]
            journeys[id_] = Journey(
                id_, min(of_value.values(), default=None), released[id_], read.get(id_), min(acts, default=None)
            )
    return journeys


def of_reports(tx: Tx, partner: str, ids: Iterable[str]) -> dict[str, Journey]:
    """Return the journeys of a partner's own indicators, by id.

    Each has the later stages of its value, and the time of the report itself.
    """
    space = partners.space(tx, partner)
    found = inbox.of_partner(tx, space, ids)
    subjects = _subjects((item.id, item.body) for item in found.values() if item.type == "indicator")
    came = log.first_added(tx, collections.get(tx, "inbox"), {inbox.key(space, id_) for id_ in subjects})
    ours = {subject: listings.all_of(tracks) for subject, tracks in listings.find(tx, subjects.values()).items()}
    listed = of(tx, {id_ for of_subject in ours.values() for id_ in of_subject})
    return {
        id_: _together(
            id_,
            came[inbox.key(space, id_)],
            [listed[listing] for listing in ours.get(subject, ()) if listing in listed],
        )
        for id_, subject in subjects.items()
    }


def times(journeys: Iterable[Journey]) -> Mapping[str, Spread]:
    """Return the seconds from the report to each later stage."""
    found: dict[str, list[float]] = {"released": [], "read": [], "acted": []}
    for journey in journeys:
        for stage, at in (("released", journey.released), ("read", journey.read), ("acted", journey.acted)):
            if journey.reported is not None and at is not None:
                found[stage].append(max(0, at - journey.reported) / _SECOND)
    return {stage: spread(seconds) for stage, seconds in found.items()}


def _together(id_: str, reported: int, listed: Iterable[Journey]) -> Journey:
    """Return the journey of a report whose value is, or was, listed with these journeys."""
    stages = [
        [at for at in stage if at is not None] for stage in zip(*(journey[2:] for journey in listed), strict=True)
    ]
    return Journey(id_, reported, *(min(stage, default=None) for stage in stages))


def _listing_collections(tx: Tx) -> list[Collection]:
    """Return the collections with listings."""
    return [
        collection
        for collection in collections.all_collections(tx)
        if collection.filled_by_release
        and collection.use != "outcomes"
        and collection.alias not in ("sightings", "sightings-full")
    ]


def _subjects(bodies: Iterable[tuple[str, bytes]]) -> dict[str, str]:
    """Return the subjects of indicators by their ids."""
    found = {}
    for id_, body in bodies:
        try:
            report = from_stix(msgspec.json.decode(body))
        except (Rejected, KeyError):
            continue
        found[id_] = value_index.subject_of(report.kind, report.value)
    return found


def _reports(tx: Tx, subjects: set[str]) -> dict[str, dict[str, int]]:
    """Return, by subject, the keys of the partners' indicators of it, and when each was first added."""
    keys_by_subject = value_index.find(tx, subjects)
    came = log.first_added(tx, collections.get(tx, "inbox"), {key for keys in keys_by_subject.values() for key in keys})
    return {
        subject: {key: came[key] for key in keys if key in came and _is_a(key, "indicator")}
        for subject, keys in keys_by_subject.items()
    }


def _actions(tx: Tx, names: set[str]) -> dict[str, int]:
    """Return, by report key or listing id, the time of the first outcome that states an action."""
    keys_by_subject = value_index.find(tx, names)
    opinions = {key for keys in keys_by_subject.values() for key in keys if _is_a(key, "opinion")}
    done = {
        key
        for key, item in inbox.latest(tx, opinions).items()
        if not item.revoked and extension.context_of(msgspec.json.decode(item.body)).get("outcome") in _ACTIONS
    }
    came = log.first_added(tx, collections.get(tx, "inbox"), done)
    return {name: min(came[key] for key in keys & done) for name, keys in keys_by_subject.items() if keys & done}


def _is_a(key: str, type_: str) -> bool:
    return inbox.object_id(key).startswith(f"{type_}--")
