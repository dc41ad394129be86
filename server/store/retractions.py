"""Retractions and their receipts: a row for each channel by which a partner received a retracted object.

The row is closed when the partner knows, or the channel has delivered the revocation.
"""

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
    the ``date_added`` of its first version there, or None to look it up.
    """

    object_id: str
    revoked_at: int
    version: int
    first: int | None = None


class ReceiptPlace(NamedTuple):
    """A place in a partner's list of receipts: collection (id), ``date_added`` of the revocation, object, channel."""

    collection: str
    revoked_at: int
    object_id: str
    channel: str = ""


class OpenReceipts(NamedTuple):
    """The number of a partner's open receipts, and when the oldest was opened (microseconds)."""

    partner: str
    number: int
    oldest: int


class Receipt(NamedTuple):
    """A partner that received a retracted object. ``collection`` is an alias; moments are in microseconds.

    ``how`` is the reason for closing. ``read``, ``delivered`` and ``acknowledged``: the partner knows of the
    retraction. ``left`` and ``no-access``: it has left, or has lost access to the collection, without having learnt of
    it. ``channel`` is the feed that pushed the object to the partner, empty if the partner read it.
    """

    object_id: str
    collection: str
    partner: str
    reason: str
    revoked_at: int
    opened: int
    closed: int | None
    how: str | None
    channel: str = ""


def retract(tx: Tx, gone: Mapping[Collection, Sequence[Retraction]], reason: str) -> int:
    """Record retractions from each collection and open their receipts. Return the number of opened receipts.

    A recorded retraction stays unchanged. For the receivers of an object see ``open_receipts``.
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
        pushed: dict[str, set[tuple[str, str]]] = {}
        for chunk in chunks(first):
            pushed |= deliveries.delivered_to(tx, feeds, chunk, 0)
        # Objects that were not retracted before have no open receipts.
        opened += _open(tx, collection, found, places, pushed, known=frozenset())
    return opened


def for_reason(tx: Tx, of: Sequence[str], ids: Iterable[str], reason: str) -> set[str]:
    """Return the objects among ``ids`` that were retracted from these collections (by id) for that reason."""
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
    """Return by collection id the objects whose retraction is recorded."""
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
    """Yield each collection with its read positions, and the feeds that push it, each with its partner."""
    places, feeds = read_progress.positions_of(tx, of), deliveries.feeds_pushing(tx, of)
    for collection in of:
        yield collection, places[collection.id], feeds[collection.id]


def open_receipts(tx: Tx, collection: Collection, ids: Iterable[str], *, late: bool = False) -> int:
    """Open the missing receipts of retracted objects of a collection, and return their number.

    A partner received an object if it read a page at or past its first version, but not past its revocation. So did a
    partner to which a push of that collection delivered any version. A former partner gets no receipt. A partner
    without access to the collection gets one that ends at once as ``no-access``. With ``late``, only facts known after
    the retraction are considered.
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
    """Open the missing receipts of recorded retractions."""
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


def settlements(tx: Tx) -> list[Callable[[Tx], int]]:
    """Return functions that close receipts, each those of one partner or feed, and return their number.

    A receipt closes after its partner has read past the revocation, or received a push of it.
    """
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
    """Close the partner's receipts of these objects in every collection, after it acknowledged them."""
    closed = 0
    mine = (receipts.c.partner == partner, _OPEN)
    for chunk in chunks(sorted(set(ids))):
        closing = update(receipts).where(*mine, any_of(tx, receipts.c.object_id, chunk))
        closed += tx.execute(closing.values(closed=now(), how=how)).rowcount
    return closed


def close_departed(tx: Tx, partner: str, *, most: int) -> int:
    """Close at most ``most`` open receipts of a former partner, and return their number."""
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
    """Remove at most ``most`` receipts closed ``before`` (microseconds), and return their number."""
    r = receipts.c
    asked = (
        select(r.object_id, r.collection, r.partner, r.channel).where(r.opened < before, r.closed < before).limit(most)
    )
    found = tx.execute(asked).all()
    if found:
        statement = delete(receipts).where(
            r.object_id == bindparam("of_object"),
            r.collection == bindparam("of_collection"),
            r.partner == bindparam("by"),
            r.channel == bindparam("over"),
        )
        rows = [{"of_object": id_, "of_collection": of, "by": by, "over": over} for id_, of, by, over in found]
        tx.execute(statement, rows)
    return len(found)


def end_access(tx: Tx, partner: str, collection: Collection) -> int:
    """Close as ``no-access`` the open receipts of a partner that lost access to the collection; return their number."""
    mine = (receipts.c.partner == partner, receipts.c.collection == collection.id, _OPEN)
    return tx.execute(update(receipts).where(*mine).values(closed=now(), how=NO_ACCESS)).rowcount


def count_unreached(tx: Tx, since: int) -> int:
    """Return the number of receipts ended as ``no-access`` at or after ``since`` (microseconds)."""
    asked = select(func.count()).select_from(receipts)
    found: int = tx.execute(asked.where(receipts.c.how == NO_ACCESS, receipts.c.closed >= since)).scalar_one()
    return found


def all_receipts(tx: Tx, *, only_open: bool = False, since: int = 0, limit: int | None = None) -> list[Receipt]:
    """Return receipts opened at or after ``since``, the oldest first."""
    asked = _EVERY.where(receipts.c.opened >= since).limit(limit)
    if only_open:
        asked = asked.where(_OPEN)
    return [Receipt(*row) for row in tx.execute(asked)]


def open_of(
    tx: Tx, partner: str, *, after: ReceiptPlace | None = None, limit: int = 100
) -> list[tuple[Receipt, ReceiptPlace]]:
    """Return a partner's open receipts with their places, by collection, the first revoked first, ``after`` a place."""
    key = (receipts.c.collection, receipts.c.revoked_at, receipts.c.object_id, receipts.c.channel)
    asked = _EVERY.add_columns(receipts.c.collection).where(receipts.c.partner == partner, _OPEN)
    asked = asked.order_by(None).order_by(*key).limit(limit)
    if after is not None:
        asked = asked.where(tuple_(*key) > tuple_(*map(literal, after)))
    found = [(Receipt(*row[:-1]), row[-1]) for row in tx.execute(asked)]
    return [
        (receipt, ReceiptPlace(of, receipt.revoked_at, receipt.object_id, receipt.channel)) for receipt, of in found
    ]


def are_open(tx: Tx, partner: str, ids: Iterable[str]) -> bool:
    """Return whether the partner has an open receipt for each of these objects."""
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
        found += [Receipt(*row) for row in tx.execute(asked)]
    return sorted(found, key=lambda receipt: (receipt.opened, receipt.collection, receipt.object_id))


def open_by_partner(tx: Tx) -> list[OpenReceipts]:
    """Return the number of open receipts of each partner, the oldest first, from the index of open ones."""
    asked = select(receipts.c.partner, func.count(), func.min(receipts.c.opened)).where(_OPEN)
    found = [OpenReceipts._make(row) for row in tx.execute(asked.group_by(receipts.c.partner))]
    return sorted(found, key=lambda total: (total.oldest, total.partner))


def spans(tx: Tx, since: int) -> list[tuple[int, int | None]]:
    """Return the opening and closing times of receipts that are open or were opened at or after ``since``."""
    asked = select(receipts.c.opened, receipts.c.closed)
    asked = asked.where(or_(receipts.c.opened >= since, _OPEN))
    asked = asked.where(or_(receipts.c.how.is_(None), receipts.c.how != NO_ACCESS))
    return [(row[0], row[1]) for row in tx.execute(asked)]


def waiting(tx: Tx) -> tuple[int, int | None]:
    """Return the number of open receipts, and when the oldest was opened (microseconds)."""
    row = tx.execute(_WAITING).one()
    return row[0], row[1]


def open_by_channel(tx: Tx) -> list[tuple[str, int, int]]:
    """Return the number of open receipts by channel (empty: read), and when the oldest was opened (microseconds)."""
    asked = select(receipts.c.channel, func.count(), func.min(receipts.c.opened)).where(_OPEN)
    return [(row[0], row[1], row[2]) for row in tx.execute(asked.group_by(receipts.c.channel))]


class _Retracted(NamedTuple):
    """A retracted object: when it was retracted, and the ``date_added`` of its first version and of its revocation."""

    object_id: str
    opened: int
    first: int
    revoked_at: int
    version: int


def _receipts_of(tx: Tx, collection: Collection, ids: Sequence[str]) -> Set[tuple[str, str, str]]:
    """Return the receipts of these objects of a collection: object, channel and partner of each."""
    mine = (receipts.c.collection == collection.id, any_of(tx, receipts.c.object_id, ids))
    asked = select(receipts.c.object_id, receipts.c.channel, receipts.c.partner)
    return {(row[0], row[1], row[2]) for row in tx.execute(asked.where(*mine))}


def _open(
    tx: Tx,
    collection: Collection,
    found: Sequence[_Retracted],
    places: Sequence[ReadPosition],
    pushed: Mapping[str, set[tuple[str, str]]],
    known: Set[tuple[str, str, str]],
) -> int:
    """Open the receipts of these objects except the ``known`` ones, and return their number."""
    got_by: list[tuple[_Retracted, set[tuple[str, str]]]] = []
    places = sorted(places, key=_READ_UP_TO)
    for retracted in found:
        # Most of thousands of readers have read past the revocation, or nothing at all.
        nearest = bisect_left(places, retracted.first, key=_READ_UP_TO)
        furthest = bisect_left(places, retracted.revoked_at, key=_READ_UP_TO)
        got = {(_READ_BY, place.partner) for place in places[nearest:furthest]}
        got |= pushed.get(retracted.object_id, _NOBODY)
        if got:
            got_by.append((retracted, got))
    if not got_by:
        return 0
    reading, moment = readers(tx, collection), now()
    rows = [
        (
            *(retracted.object_id, collection.id, partner),
            *(retracted.opened, retracted.revoked_at, retracted.version),
            *((None, None) if partner in reading else (moment, NO_ACCESS)),
            channel,
        )
        for retracted, got in got_by
        for channel, partner in sorted(got)
        if (retracted.object_id, channel, partner) not in known
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
# The channel of a partner that read the object itself.
_READ_BY = ""
_NOBODY: frozenset[tuple[str, str]] = frozenset()
_WAS_READ = receipts.c.channel == _READ_BY
_READ_UP_TO = attrgetter("read_up_to")
# The read positions past a revocation whose receipt is open.
_PLACES = (
    select(read_positions.c.collection, read_positions.c.partner, read_positions.c.read_up_to, read_positions.c.asked)
    .where(
        exists(1)
        .where(receipts.c.partner == read_positions.c.partner, receipts.c.collection == read_positions.c.collection)
        .where(_OPEN, _WAS_READ, receipts.c.revoked_at <= read_positions.c.read_up_to)
    )
    .order_by(read_positions.c.collection, read_positions.c.partner)
)
# Receipts locked by another closing transaction are left to it, so that waits do not form chains.
_FREE = receipts.alias("free")
_KEY = ("object_id", "collection", "partner", "channel")
_IS_FREE = tuple_(*(receipts.c[name] for name in _KEY)).in_(
    select(*(_FREE.c[name] for name in _KEY))
    .where(_FREE.c.closed.is_(None), _FREE.c.partner == bindparam("by"))
    .with_for_update(skip_locked=True)
)
# The partner knew at its last request at the latest.
_READ = (
    update(receipts)
    .where(_OPEN, _WAS_READ, receipts.c.partner == bindparam("by"), receipts.c.collection == bindparam("at"))
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
    # A push informs a partner that reads, too; nothing but the push itself corrects what it delivered.
    .where(or_(_WAS_READ, receipts.c.channel == bindparam("feed_")))
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
        receipts.c.channel,
    )
    .join_from(
        receipts,
        retractions,
        (retractions.c.object_id == receipts.c.object_id) & (retractions.c.collection == receipts.c.collection),
    )
    .join(collections, collections.c.id == receipts.c.collection)
    .order_by(receipts.c.opened, receipts.c.object_id, collections.c.alias, receipts.c.partner, receipts.c.channel)
)
_WAITING = select(func.count(), func.min(receipts.c.opened)).select_from(receipts).where(_OPEN)
