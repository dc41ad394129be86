"""Retractions and their receipts: a row for each partner that received a retracted object, closed when it knows."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from functools import partial
from operator import attrgetter
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Update, bindparam, delete, exists, func, literal, or_, select, tuple_, update

from server.store import deliveries, log, read_progress
from server.store.collections import Collection, readers
from server.store.database.engine import Tx
from server.store.database.sql import any_of, chunks, insert_many
from server.store.database.times import now
from server.store.read_progress import ReadPosition
from server.store.release_tables import receipts, retractions
from server.store.tables import collections, deliveries as delivery_rows, read_positions

NO_ACCESS = "no-access"


class Retraction(NamedTuple):
    """An object that was retracted from a collection.

    ``revoked_at`` is the ``date_added`` of its revocation there, ``version`` that of the revoked version. ``first`` is
    the ``date_added`` of its first version there, None where that is to be looked up.
    """

    object_id: str
    revoked_at: int
    version: int
    first: int | None = None


class ReceiptPlace(NamedTuple):
    """A place in a partner's list of receipts: collection (id), ``date_added`` of the revocation, object."""

    collection: str
    revoked_at: int
    object_id: str


class OpenReceipts(NamedTuple):
    """The number of a partner's open receipts, and when the oldest was opened (microseconds)."""

    partner: str
    number: int
    oldest: int


class Receipt(NamedTuple):
    """A partner that received a retracted object; ``collection`` is an alias, moments are in microseconds.

    ``how`` it was closed: ``read``, ``delivered``, ``acknowledged``, or without the partner having learnt of it:
    ``left`` where it takes part no more, ``no-access`` where it may not read the collection any more.
    """

    object_id: str
    collection: str
    partner: str
    reason: str
    revoked_at: int
    opened: int
    closed: int | None
    how: str | None


def retract(tx: Tx, gone: Mapping[Collection, Sequence[Retraction]], reason: str) -> int:
    """Record what was retracted from each collection, and open the receipts; returns how many were opened.

    A retraction that is recorded already stays as it is. Who received an object is as in ``open_receipts``.
    """
    known = _recorded(tx, gone)
    moment = now()
    new = {
        collection: {gone.object_id: gone for gone in retracted if gone.object_id not in known[collection.id]}
        for collection, retracted in gone.items()
    }
    rows = [
        (id_, collection.id, moment, retraction.revoked_at, retraction.version, reason)
        for collection, retracted in new.items()
        for id_, retraction in retracted.items()
    ]
    insert_many(tx, retractions, sorted(rows))
    opened = 0
    for collection, places, feeds in _receivers(tx, list(gone)):
        again = known[collection.id] & {retraction.object_id for retraction in gone[collection]}
        opened += _open_again(tx, collection, sorted(again), places, feeds)
        if not (places or feeds):
            continue
        first = _first_added(tx, collection, new[collection].values())
        found = [
            _Retracted(id_, moment, first[id_], retraction.revoked_at, retraction.version)
            for id_, retraction in sorted(new[collection].items())
        ]
        pushed: dict[str, set[str]] = {}
        for chunk in chunks(first):
            pushed |= deliveries.delivered_to(tx, feeds, chunk, 0)
        # Nothing can have been opened for what was not retracted before.
        opened += _open(tx, collection, found, places, pushed, known=frozenset())
    return opened


def for_reason(tx: Tx, of: Sequence[str], ids: Iterable[str], reason: str) -> set[str]:
    """Return those of these objects that were retracted from one of these collections (by id) for that reason."""
    r = retractions.c
    found: set[str] = set()
    for chunk in chunks(sorted(set(ids))):
        asked = select(r.object_id).where(r.collection.in_(of), r.reason == reason)
        found.update(tx.scalars(asked.where(any_of(tx, r.object_id, chunk))))
    return found


def _first_added(tx: Tx, collection: Collection, retracted: Iterable[Retraction]) -> dict[str, int]:
    """Return by id when the first version of each was added to the collection."""
    known = {retraction.object_id: retraction.first for retraction in retracted}
    found = {id_: first for id_, first in known.items() if first is not None}
    unknown = known.keys() - found.keys()
    return found | log.first_added(tx, collection, unknown) if unknown else found


def _recorded(tx: Tx, gone: Mapping[Collection, Sequence[Retraction]]) -> dict[str, set[str]]:
    """Return by collection id those of these objects whose retraction is recorded."""
    ids = {retraction.object_id for retracted in gone.values() for retraction in retracted}
    found: dict[str, set[str]] = {collection.id: set() for collection in gone}
    for chunk in chunks(sorted(ids)):
        asked = select(retractions.c.collection, retractions.c.object_id)
        for collection, id_ in tx.execute(asked.where(any_of(tx, retractions.c.object_id, chunk))):
            found.setdefault(collection, set()).add(id_)
    return found


def _receivers(
    tx: Tx, of: Sequence[Collection]
) -> Iterator[tuple[Collection, list[ReadPosition], list[tuple[str, str]]]]:
    """Yield each collection with the read positions there, and the feeds that push it, each with its partner."""
    places, feeds = read_progress.positions_of(tx, of), deliveries.feeds_pushing(tx, of)
    for collection in of:
        yield collection, places[collection.id], feeds[collection.id]


def open_receipts(tx: Tx, collection: Collection, ids: Iterable[str], *, late: bool = False) -> int:
    """Open the receipts of retracted objects of a collection that are missing, and return their number.

    An object was received by a partner that read a page at or past its first version, and not past its revocation, and
    by one that a push of that collection delivered any version to. A partner that takes part no more has no way to
    learn of it here; the receipt of one that may not read the collection any more ends at once as ``no-access``. With
    ``late``, only what became known after the retraction is looked at.
    """
    [(_, places, feeds)] = _receivers(tx, [collection])
    return _open_again(tx, collection, sorted(set(ids)), places, feeds, late=late)


def _open_again(
    tx: Tx,
    collection: Collection,
    ids: Sequence[str],
    places: Sequence[ReadPosition],
    feeds: Sequence[tuple[str, str]],
    *,
    late: bool = False,
) -> int:
    """Open the receipts of recorded retractions that are missing."""
    opened = 0
    for chunk in chunks(ids):
        found = _retracted(tx, collection, chunk)
        since = min((retracted.opened for retracted in found), default=0) if late else 0
        recent_readers = [place for place in places if place.asked >= since]
        pushed = deliveries.delivered_to(tx, feeds, chunk, since)
        if recent_readers or pushed:
            known = _receipts_of(tx, collection, chunk)
            opened += _open(tx, collection, found, recent_readers, pushed, known)
    return opened


def recent(tx: Tx, since: int) -> dict[str, list[str]]:
    """Return by collection id the objects retracted at or after ``since`` (microseconds)."""
    found: dict[str, list[str]] = defaultdict(list)
    asked = select(retractions.c.collection, retractions.c.object_id).where(retractions.c.opened >= since)
    for collection, object_id in tx.execute(asked):
        found[collection].append(object_id)
    return found


def settle(tx: Tx) -> int:
    """Close the receipts of partners that have read past the revocation, or took it as a push; returns their number."""
    return sum(close(tx) for close in settlements(tx))


def settlements(tx: Tx) -> list[Callable[[Tx], int]]:
    """Return what closes the receipts that can be closed now, in parts: each closes those of one partner or feed."""
    reads: list[Callable[[Tx], int]] = [
        partial(_closed, _READ, {"at": collection, "by": partner, "up_to": up_to, "moment": asked})
        for collection, partner, up_to, asked in tx.execute(_PLACES).all()
    ]
    return [
        *reads,
        *(partial(_closed, _DELIVERED, {"feed_": feed, "by": partner}) for feed, partner in deliveries.recipients(tx)),
    ]


def _closed(statement: Update, given: Mapping[str, Any], tx: Tx) -> int:
    return tx.execute(statement, given).rowcount


def acknowledge(tx: Tx, partner: str, ids: Iterable[str], how: str = "acknowledged") -> int:
    """Close the partner's receipts of these objects, in every collection, after it acknowledged them itself."""
    closed = 0
    mine = (receipts.c.partner == partner, _OPEN)
    for chunk in chunks(sorted(set(ids))):
        closing = update(receipts).where(*mine, any_of(tx, receipts.c.object_id, chunk))
        closed += tx.execute(closing.values(closed=now(), how=how)).rowcount
    return closed


def close_departed(tx: Tx, partner: str, *, most: int) -> int:
    """Close open receipts of a partner that takes part no more, at most so many at once; return their number."""
    mine = (receipts.c.partner == partner, _OPEN)
    found: dict[str, list[str]] = defaultdict(list)
    for collection, id_ in tx.execute(select(receipts.c.collection, receipts.c.object_id).where(*mine).limit(most)):
        found[collection].append(id_)
    closed = 0
    for collection, ids in sorted(found.items()):
        closing = update(receipts).where(*mine, receipts.c.collection == collection)
        for chunk in chunks(sorted(ids)):
            these = closing.where(any_of(tx, receipts.c.object_id, chunk))
            closed += tx.execute(these.values(closed=now(), how="left")).rowcount
    return closed


def forget(tx: Tx, *, before: int, most: int = 500) -> int:
    """Remove receipts that were closed ``before`` (microseconds), at most so many at once, and return their number."""
    r = receipts.c
    asked = select(r.object_id, r.collection, r.partner).where(r.opened < before, r.closed < before).limit(most)
    found = tx.execute(asked).all()
    if found:
        statement = delete(receipts).where(
            r.object_id == bindparam("of_object"),
            r.collection == bindparam("of_collection"),
            r.partner == bindparam("by"),
        )
        tx.execute(statement, [{"of_object": row[0], "of_collection": row[1], "by": row[2]} for row in found])
    return len(found)


def end_access(tx: Tx, partner: str, collection: Collection) -> int:
    """Close as ``no-access`` the open receipts of a partner that lost access to the collection; return their number."""
    mine = (receipts.c.partner == partner, receipts.c.collection == collection.id, _OPEN)
    return tx.execute(update(receipts).where(*mine).values(closed=now(), how=NO_ACCESS)).rowcount


def count_unreached(tx: Tx, since: int) -> int:
    """Count receipts that ended as ``no-access`` at or after ``since`` (microseconds): nobody here can tell them."""
    asked = select(func.count()).select_from(receipts)
    return tx.execute(asked.where(receipts.c.how == NO_ACCESS, receipts.c.closed >= since)).scalar_one()


def all_receipts(tx: Tx, *, only_open: bool = False, since: int = 0, limit: int | None = None) -> list[Receipt]:
    """List receipts opened at or after ``since``, the oldest first."""
    asked = _EVERY.where(receipts.c.opened >= since).limit(limit)
    if only_open:
        asked = asked.where(_OPEN)
    return [_receipt(row) for row in tx.execute(asked)]


def open_of(
    tx: Tx, partner: str, *, after: ReceiptPlace | None = None, limit: int = 100
) -> list[tuple[Receipt, ReceiptPlace]]:
    """Return a partner's open receipts, each with its place, after a place: by collection, the first revoked first."""
    key = (receipts.c.collection, receipts.c.revoked_at, receipts.c.object_id)
    asked = _EVERY.add_columns(receipts.c.collection).where(receipts.c.partner == partner, _OPEN)
    asked = asked.order_by(None).order_by(*key).limit(limit)
    if after is not None:
        asked = asked.where(tuple_(*key) > tuple_(*map(literal, after)))
    found = [(_receipt(row[:-1]), row[-1]) for row in tx.execute(asked)]
    return [(receipt, ReceiptPlace(of, receipt.revoked_at, receipt.object_id)) for receipt, of in found]


def are_open(tx: Tx, partner: str, ids: Iterable[str]) -> bool:
    """Return whether the partner has an open receipt of each of these objects."""
    wanted, found = sorted(set(ids)), set[str]()
    for chunk in chunks(wanted):
        asked = select(receipts.c.object_id).where(receipts.c.partner == partner, _OPEN)
        found.update(tx.scalars(asked.where(any_of(tx, receipts.c.object_id, chunk))))
    return len(found) == len(wanted)


def of_objects(tx: Tx, partner: str, ids: Iterable[str]) -> list[Receipt]:
    """Return a partner's receipts for these objects, open and closed, the oldest first."""
    found: list[Receipt] = []
    for chunk in chunks(sorted(set(ids))):
        asked = _EVERY.where(receipts.c.partner == partner, any_of(tx, receipts.c.object_id, chunk))
        found += [_receipt(row) for row in tx.execute(asked)]
    return sorted(found, key=lambda receipt: (receipt.opened, receipt.collection, receipt.object_id))


def open_by_partner(tx: Tx) -> list[OpenReceipts]:
    """Count the open receipts of each partner that has any, the oldest first; read from the index of open ones."""
    asked = select(receipts.c.partner, func.count(), func.min(receipts.c.opened)).where(_OPEN)
    found = [OpenReceipts._make(row) for row in tx.execute(asked.group_by(receipts.c.partner))]
    return sorted(found, key=lambda total: (total.oldest, total.partner))


def spans(tx: Tx, since: int) -> list[tuple[int, int | None]]:
    """Return when each receipt was opened and closed that is open, or was opened at or after ``since``."""
    asked = select(receipts.c.opened, receipts.c.closed)
    asked = asked.where(or_(receipts.c.opened >= since, _OPEN))
    asked = asked.where(or_(receipts.c.how.is_(None), receipts.c.how != NO_ACCESS))
    return [(row[0], row[1]) for row in tx.execute(asked)]


def waiting(tx: Tx) -> tuple[int, int | None]:
    """Return the number of open receipts, and when the oldest was opened (microseconds)."""
    row = tx.execute(_WAITING).one()
    return row[0], row[1]


class _Retracted(NamedTuple):
    """A retracted object: when it was retracted, and the ``date_added`` of its first version and of its revocation."""

    object_id: str
    opened: int
    first: int
    revoked_at: int
    version: int


def _receipt(row: Iterable[Any]) -> Receipt:
    return Receipt(*row)


def _receipts_of(tx: Tx, collection: Collection, ids: Sequence[str]) -> Set[tuple[str, str]]:
    """Return the receipts of these objects of a collection, as pairs of object and partner."""
    mine = (receipts.c.collection == collection.id, any_of(tx, receipts.c.object_id, ids))
    return {(row[0], row[1]) for row in tx.execute(select(receipts.c.object_id, receipts.c.partner).where(*mine))}


def _open(
    tx: Tx,
    collection: Collection,
    found: Sequence[_Retracted],
    places: Sequence[ReadPosition],
    pushed: Mapping[str, set[str]],
    known: Set[tuple[str, str]],
) -> int:
    """Open the receipts of these objects but those that are ``known``, and return their number."""
    rows = []
    reading = readers(tx, collection)
    moment = now()
    places = sorted(places, key=_READ_UP_TO)
    for retracted in found:
        # Of thousands of readers most have read past the revocation, or nothing at all.
        nearest = bisect_left(places, retracted.first, key=_READ_UP_TO)
        furthest = bisect_left(places, retracted.revoked_at, key=_READ_UP_TO)
        got = {place.partner for place in places[nearest:furthest]}
        rows += [
            (
                *(
                    retracted.object_id,
                    collection.id,
                    partner,
                    retracted.opened,
                    retracted.revoked_at,
                    retracted.version,
                ),
                *((None, None) if partner in reading else (moment, NO_ACCESS)),
            )
            for partner in sorted(got | pushed.get(retracted.object_id, set()))
            if (retracted.object_id, partner) not in known
        ]
    insert_many(tx, receipts, rows)
    return len(rows)


def _retracted(tx: Tx, collection: Collection, ids: Sequence[str]) -> list[_Retracted]:
    columns = retractions.c
    asked = select(columns.object_id, columns.opened, columns.revoked_at, columns.version)
    asked = asked.where(columns.collection == collection.id, any_of(tx, columns.object_id, ids))
    first = log.first_added(tx, collection, ids)
    return [
        _Retracted(id_, opened, first[id_], revoked_at, version)
        for id_, opened, revoked_at, version in tx.execute(asked.order_by(columns.object_id))
        if id_ in first
    ]


_OPEN = receipts.c.closed.is_(None)
_READ_UP_TO = attrgetter("read_up_to")
# The read positions past which something was revoked whose receipt is open.
_PLACES = (
    select(read_positions.c.collection, read_positions.c.partner, read_positions.c.read_up_to, read_positions.c.asked)
    .where(
        exists(1)
        .where(receipts.c.partner == read_positions.c.partner, receipts.c.collection == read_positions.c.collection)
        .where(_OPEN, receipts.c.revoked_at <= read_positions.c.read_up_to)
    )
    .order_by(read_positions.c.collection, read_positions.c.partner)
)
# Receipts that are closed in another way at the moment are left to that, so that nobody waits for somebody who waits.
_FREE = receipts.alias("free")
_KEY = ("object_id", "collection", "partner")
_IS_FREE = tuple_(*(receipts.c[name] for name in _KEY)).in_(
    select(*(_FREE.c[name] for name in _KEY))
    .where(_FREE.c.closed.is_(None), _FREE.c.partner == bindparam("by"))
    .with_for_update(skip_locked=True)
)
# It knew when it last asked, at the latest.
_READ = (
    update(receipts)
    .where(_OPEN, receipts.c.partner == bindparam("by"), receipts.c.collection == bindparam("at"))
    .where(receipts.c.revoked_at <= bindparam("up_to", type_=BigInteger), _IS_FREE)
    .values(closed=bindparam("moment", type_=BigInteger), how="read")
)
_WHEN_DELIVERED = (
    select(func.min(delivery_rows.c.delivered))
    .where(delivery_rows.c.feed == bindparam("feed_"), delivery_rows.c.partner == bindparam("by"), deliveries.ARRIVED)
    .where(delivery_rows.c.object_id == receipts.c.object_id, delivery_rows.c.version >= receipts.c.version)
    .correlate(receipts)
    .scalar_subquery()
)
_DELIVERED = (
    update(receipts)
    .where(_OPEN, receipts.c.partner == bindparam("by"), _IS_FREE, _WHEN_DELIVERED.is_not(None))
    .values(closed=_WHEN_DELIVERED, how="delivered")
)
_EVERY = (
    select(
        receipts.c.object_id,
        collections.c.alias,
        receipts.c.partner,
        retractions.c.reason,
        receipts.c.revoked_at,
        receipts.c.opened,
        receipts.c.closed,
        receipts.c.how,
    )
    .join_from(
        receipts,
        retractions,
        (retractions.c.object_id == receipts.c.object_id) & (retractions.c.collection == receipts.c.collection),
    )
    .join(collections, collections.c.id == receipts.c.collection)
    .order_by(receipts.c.opened, receipts.c.object_id, collections.c.alias, receipts.c.partner)
)
_WAITING = select(func.count(), func.min(receipts.c.opened)).select_from(receipts).where(_OPEN)
