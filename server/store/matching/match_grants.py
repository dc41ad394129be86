"""The rights to match values privately against collections, and the quotas for it."""

from typing import NamedTuple

from sqlalchemy import BigInteger, bindparam, delete, func, insert, or_, select, text

from server.store import partners, quotas
from server.store.collections import COLUMNS, Collection
from server.store.database.engine import Store, Tx
from server.store.database.times import now
from server.store.item import PLAIN
from server.store.matching.match_tables import match_grants, match_sets
from server.store.tables import collections, quotas as used

_UNIT = "match"
_DAY_SECONDS = 86_400
_SECOND = 1_000_000


class NotMatchable(ValueError):
    """The collection cannot be used for matching."""


class QuotaUsedUp(Exception):
    """A partner, or all of them together, have used up the daily quota of evaluations."""

    def __init__(self, seconds: int) -> None:
        """Carry the seconds to wait."""
        super().__init__(seconds)
        self.seconds = seconds


def grant(tx: Tx, partner: str, collection: Collection) -> None:
    """Let a partner match values against a collection. Repeating it changes nothing.

    Raises ``NotMatchable`` for a collection that is not released equally to all its members, and ``UnknownPartner``.
    """
    partners.get(tx, partner)
    if collection.kind != "released" or collection.part != PLAIN:
        raise NotMatchable(f"{collection.alias}: only released collections can be matched; use the plain alias")
    mine = (match_grants.c.partner == partner, match_grants.c.collection == collection.number)
    if tx.execute(select(match_grants.c.partner).where(*mine)).first() is None:
        served = select(func.coalesce(func.max(match_sets.c.version), 0))
        since = tx.execute(served.where(match_sets.c.collection == collection.number)).scalar_one()
        tx.execute(insert(match_grants).values(partner=partner, collection=collection.number, since=since))


def revoke(tx: Tx, partner: str, collection: Collection) -> bool:
    """Revoke the right from the partner's next request on. Return False if it had none."""
    mine = (match_grants.c.partner == partner, match_grants.c.collection == collection.number)
    return bool(tx.execute(delete(match_grants).where(*mine)).rowcount)


class MatchRight(NamedTuple):
    """A collection that a partner may match against, and the version that was served when the right began."""

    collection: Collection
    since: int


def granted(tx: Tx, partner: str, id_or_alias: str) -> MatchRight | None:
    """Return the partner's right to match against a collection, or None."""
    row = tx.execute(_GRANTED, {"of_partner": partner, "ref": id_or_alias}).first()
    return None if row is None else MatchRight(Collection(*row[1:]), row[0])


def aliases(tx: Tx, partner: str) -> list[str]:
    """Return the aliases of the collections that the partner may match against."""
    asked = select(collections.c.alias).join_from(match_grants, collections)
    return sorted(tx.execute(asked.where(match_grants.c.partner == partner)).scalars())


def matched_collections(tx: Tx) -> list[Collection]:
    """Return the collections that at least one partner may match against."""
    return [Collection(*row) for row in tx.execute(_MATCHED)]


def abandoned(tx: Tx) -> list[tuple[int, int]]:
    """Return the sets, by collection number and epoch, that no partner may match against any longer."""
    return [(row[0], row[1]) for row in tx.execute(_ABANDONED)]


def spend(store: Store, partner: str, count: int, *, per_day: int, total_per_day: int) -> None:
    """Count evaluations for a partner, and for all together; 0 is no limit. Raises ``QuotaUsedUp``, and counts none."""
    with store.begin() as tx:
        _spend(tx, partner, count, per_day=per_day, total_per_day=total_per_day)


def _spend(tx: Tx, partner: str, count: int, *, per_day: int, total_per_day: int) -> None:
    if per_day and (wait := quotas.charge(tx, partner, _UNIT, count, limit=per_day, seconds=_DAY_SECONDS)):
        raise QuotaUsedUp(wait)
    if total_per_day:
        moment = now()
        since = moment - _DAY_SECONDS * _SECOND
        given = {"unit": _UNIT, "count": count, "moment": moment, "since": since, "limit": total_per_day}
        if count > total_per_day or tx.execute(_SPEND_SHARED, given).first() is None:
            began = tx.execute(_BEGAN, {"unit": _UNIT}).scalar() or moment
            raise QuotaUsedUp(max(1, (began - since) // _SECOND))


def left(tx: Tx, partner: str, per_day: int) -> int | None:
    """Return how many evaluations a partner has left, or None without a limit."""
    if not per_day:
        return None
    row = tx.execute(_USED, {"of_partner": partner, "of_unit": _UNIT}).first()
    goes_on = row is not None and 0 <= now() - row[0] < _DAY_SECONDS * _SECOND
    return max(0, per_day - row[1]) if row is not None and goes_on else per_day


_PLAIN_NAMES = or_(collections.c.id == bindparam("ref"), collections.c.alias == bindparam("ref"))
_GRANTED = (
    select(match_grants.c.since, *COLUMNS)
    .join_from(match_grants, collections)
    .where(match_grants.c.partner == bindparam("of_partner"))
    .where(_PLAIN_NAMES)
)
_MATCHED = (
    select(*COLUMNS).where(collections.c.number.in_(select(match_grants.c.collection))).order_by(collections.c.number)
)
_ABANDONED = select(match_sets.c.collection, match_sets.c.epoch).where(
    match_sets.c.collection.not_in(select(match_grants.c.collection))
)
_GOES_ON = "shared_quotas.began > :since AND shared_quotas.began <= :moment"
_SPEND_SHARED = text(
    "INSERT INTO shared_quotas (unit, began, used) VALUES (:unit, :moment, :count)"  # noqa: S608
    " ON CONFLICT (unit) DO UPDATE SET"
    f" used = CASE WHEN {_GOES_ON} THEN shared_quotas.used + :count ELSE :count END,"
    f" began = CASE WHEN {_GOES_ON} THEN shared_quotas.began ELSE :moment END"
    f" WHERE NOT ({_GOES_ON}) OR shared_quotas.used + :count <= :limit RETURNING shared_quotas.used"
).bindparams(*(bindparam(name, type_=BigInteger) for name in ("moment", "since", "count", "limit")))
_USED = select(used.c.began, used.c.used).where(
    used.c.partner == bindparam("of_partner"), used.c.unit == bindparam("of_unit")
)
_BEGAN = text("SELECT began FROM shared_quotas WHERE unit = :unit")
