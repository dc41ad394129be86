"""Quotas of organisations, daily contributions of partners, and throttled partners.

A quota covers all processes, nodes, partners and logins of an organisation. Callers identify the organisation by
``Partner.counts_as``. A quota applies to a period that begins with the first use after the previous one. Within a
period at most the limit is used. Excess use, found when a cost is known later, is charged to the following periods of
any process.
"""

import logging
import math
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, bindparam, delete, func, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from server.store.database.direct import fetch, send
from server.store.database.engine import Store, StoreUnavailable, Tx, push
from server.store.database.sql import among
from server.store.database.times import now
from server.store.release_tables import throttles, volumes
from server.store.tables import columns_of, quotas

log = logging.getLogger(__name__)

_SECOND = 1_000_000
# A process takes at most this fraction of a limit, and of the remainder, at once.
_LARGEST_SLICE = 10
_LARGEST_OF_REST = 4


def charge(tx: Tx, partner: str, unit: str, count: int, *, limit: int, seconds: int) -> int:
    """Charge ``count`` completely or not at all. Return 0, or the seconds until it may fit."""
    return Charge(tx, partner, unit, count, limit=limit, seconds=seconds).wait


class Charge:
    """A charge to a quota that travels to the database with the next statement."""

    def __init__(self, tx: Tx, partner: str, unit: str, count: int, *, limit: int, seconds: int) -> None:
        """Charge ``count`` completely or not at all, as ``charge``."""
        self._tx = tx
        self._key = (partner, unit, seconds, limit)
        self._is_charged: bool | None = False
        if count <= limit:
            moment = now()
            span = {"since": moment - seconds * _SECOND, "moment": moment, "limit": limit}
            self._is_charged = None
            send(tx, _CHARGE, {"partner": partner, "unit": unit, "count": count, **span}, self._note)

    def _note(self, rows: list[tuple[Any, ...]]) -> None:
        self._is_charged = bool(rows)

    @property
    def wait(self) -> int:
        """0 if it is charged, or the seconds until it may fit."""
        if self._is_charged is None:
            push(self._tx)
        if self._is_charged:
            return 0
        began, _, moment = _locked(self._tx, *self._key)
        return _until(began, self._key[2], moment)


class TakenSlice(NamedTuple):
    """A slice of a quota: its size (0 if nothing is left), the seconds until the period ends, and the remainder."""

    size: int
    seconds: int
    rest: int


def take(tx: Tx, partner: str, unit: str, most: int, *, limit: int, seconds: int, least: int = 1) -> TakenSlice:
    """Charge up to ``most`` to the quota; less if little is left, but at least ``least`` if available."""
    began, used, moment = _locked(tx, partner, unit, seconds, limit)
    left = limit - used
    charged = max(0, min(max(most, least), max(least, left // _LARGEST_OF_REST), left))
    if charged:
        _write(tx, partner, unit, began, used + charged)
    return TakenSlice(charged, _until(began, seconds, moment), left - charged)


def left(tx: Tx, partner: str, unit: str, *, limit: int, seconds: int) -> int:
    """Return the remainder of the quota. No other process uses it until the transaction ends."""
    _, used, _ = _locked(tx, partner, unit, seconds, limit)
    return max(0, limit - used)


def correct(tx: Tx, partner: str, unit: str, by: int, *, limit: int, seconds: int) -> None:
    """Add ``by`` to the use, also beyond the limit; a negative number reduces it."""
    began, used, _ = _locked(tx, partner, unit, seconds, limit)
    _write(tx, partner, unit, began, max(0, used + by))


def wait(tx: Tx, partner: str, unit: str, *, limit: int, seconds: int) -> int:
    """Return the seconds until a used-up quota is renewed, or 0 if something is left."""
    row = fetch(tx, _ASKED, {"of_partner": partner, "of_unit": unit})
    if not row:
        return 0
    [(began, used)] = row
    moment = now()
    if used < limit or not 0 <= moment - began < seconds * _SECOND:
        return 0
    return _until(began, seconds, moment)


@dataclass(slots=True)
class _Slice:
    """The part of a partner's quota that this process still has, and the size of its next slice.

    It is negative if the process used more than it had while the store accepted no writes. ``rest`` is the unassigned
    remainder at the last query of this process.
    """

    left: int = 0
    rest: int = 0
    ends: float = 0.0
    spent: bool = False
    next: int = 1
    # Use by this process in the current period.
    used: int = 0
    changing: threading.Lock = field(default_factory=threading.Lock)


class QuotaState(NamedTuple):
    """A partner's quota as known by a process: the remainder, and the seconds until it is renewed."""

    remaining: int
    seconds: int


class RequestMeter:
    """Counts the requests of each partner. Asks the store for slices of the quota, not for each request.

    All processes together never exceed ``limit`` in a period. A process with slices left continues to use them when the
    quota is used up, so another may reject requests early. The difference is at most a tenth of the limit per process,
    because a process doubles its slices only while it uses them. While the store accepts no writes, each process counts
    separately, so that readers never wait for it.
    """

    def __init__(self, unit: str, limit: int, seconds: int) -> None:
        """Let each partner use ``limit`` of ``unit`` in ``seconds``; 0 means unlimited."""
        self._unit = unit
        self._limit = limit
        self._seconds = seconds
        # The largest unused part of one partner's quota in a process.
        self.largest_slice = max(1, limit // _LARGEST_SLICE)
        self._slices: dict[str, _Slice] = {}

    def spend(self, store: Store, partner: str, count: int = 1) -> int:
        """Count ``count`` requests, or none of them. Return 0, or the seconds until they may be allowed."""
        if not self._limit:
            return 0
        mine = self._slices.setdefault(partner, _Slice())
        with mine.changing:
            now_ = time.monotonic()
            if now_ >= mine.ends:
                # Use beyond the last period is charged to this one.
                mine.left, mine.rest, mine.spent, mine.next, mine.used = min(0, mine.left), self._limit, False, 1, 0
            if mine.left < count and not mine.spent:
                taken = self._refill(store, partner, mine, count - mine.left)
                mine.left += taken.size
                mine.rest = taken.rest
                mine.ends = now_ + taken.seconds
                mine.spent = not taken.size
                mine.next = min(mine.next * 2, self.largest_slice)
            if mine.left >= count:
                mine.left -= count
                mine.used += count
                return 0
            return min(self._seconds, max(1, math.ceil(mine.ends - now_)))

    def settle(self, store: Store, partner: str, spent: int, used: int) -> None:
        """Correct the charge ``spent`` to the actual use ``used``, once that is known.

        An unused part is returned: to this process, and to the quota if the process would keep much. Excess use is
        charged to the next requests in any process. A fast store must not be used for this.
        """
        if not self._limit or spent == used:
            return
        mine = self._slices.setdefault(partner, _Slice())
        with mine.changing:
            if time.monotonic() >= mine.ends and used < spent:
                # The charge belongs to an earlier period.
                return
            mine.left += spent - used
            mine.used += used - spent
            held = 0 if mine.left < 0 else self.largest_slice
            if mine.left >= 0 and (mine.left <= held or store.is_fast):
                return
            limit, seconds = self._limit, self._seconds
            try:
                with store.begin() as tx:
                    correct(tx, partner, self._unit, held - mine.left, limit=limit, seconds=seconds)
            except StoreUnavailable as error:
                log.warning("quota-counted-here partner=%s reason=%s", partner, error)
                return
            mine.rest = max(0, mine.rest + mine.left - held)
            mine.left = held

    def state(self, partner: str) -> QuotaState:
        """Return the partner's remainder, as far as this process knows the use of others."""
        mine = self._slices.get(partner)
        now_ = time.monotonic()
        if mine is None or now_ >= mine.ends:
            return QuotaState(self._limit, self._seconds)
        return QuotaState(max(0, mine.left + mine.rest), max(1, math.ceil(mine.ends - now_)))

    def _refill(self, store: Store, partner: str, mine: _Slice, least: int) -> TakenSlice:
        """Charge the next slice, at least ``least`` of it if available."""
        limit, seconds = self._limit, self._seconds
        try:
            with store.begin() as tx:
                return take(tx, partner, self._unit, mine.next, limit=limit, seconds=seconds, least=least)
        except StoreUnavailable as error:
            log.warning("quota-counted-here partner=%s reason=%s", partner, error)
            return TakenSlice(max(0, limit - mine.used - max(0, mine.left)), seconds, 0)


def _locked(tx: Tx, partner: str, unit: str, seconds: int, limit: int) -> tuple[int, int, int]:
    """Lock the partner's row until the transaction ends. Return the beginning of its period, its use, and now."""
    asked = (
        select(quotas.c.began, quotas.c.used)
        .where(quotas.c.partner == partner, quotas.c.unit == unit)
        .with_for_update()
    )
    row = tx.execute(asked).first()
    if row is None:
        try:
            with tx.begin_nested():
                tx.execute(insert(quotas).values(partner=partner, unit=unit, began=0, used=0))
        except IntegrityError:
            # Another process made it at the same moment; the row can be locked now.
            pass
        row = tx.execute(asked).one()
    moment = now()
    began, used = row
    # A clock that was set back ends the period too.
    if not 0 <= moment - began < seconds * _SECOND:
        stretches = max(1, (moment - began) // (seconds * _SECOND))
        return moment, max(0, used - stretches * limit), moment
    return began, used, moment


def _write(tx: Tx, partner: str, unit: str, began: int, used: int) -> None:
    mine = (quotas.c.partner == partner, quotas.c.unit == unit)
    tx.execute(update(quotas).where(*mine).values(began=began, used=used))


def _until(began: int, seconds: int, moment: int) -> int:
    return max(1, -((moment - began - seconds * _SECOND) // _SECOND))


# These run with every POST, so they are built once.
_ASKED = select(quotas.c.began, quotas.c.used).where(
    quotas.c.partner == bindparam("of_partner"), quotas.c.unit == bindparam("of_unit")
)


# An ended period begins again. So does one that begins in the future, because the clock was set back.
_GOES_ON = "quotas.began > :since AND quotas.began <= :moment"
_CHARGE = text(
    "INSERT INTO quotas (partner, unit, began, used) VALUES (:partner, :unit, :moment, :count)"  # noqa: S608
    " ON CONFLICT (partner, unit) DO UPDATE SET"
    f" used = CASE WHEN {_GOES_ON} THEN quotas.used + :count ELSE :count END,"
    f" began = CASE WHEN {_GOES_ON} THEN quotas.began ELSE :moment END"
    f" WHERE NOT ({_GOES_ON}) OR quotas.used + :count <= :limit RETURNING quotas.used"
).bindparams(*(bindparam(name, type_=BigInteger) for name in ("moment", "since", "count", "limit")))


_DAY = 86_400_000_000


class DailyVolume(NamedTuple):
    """The objects that a partner contributed in one day, and how many of them the guard held.

    Annotations count by their references. ``doubts`` are references that contradict reports of others. ``hour_blocks``
    are the values that its reports alone blocked in the hour that began at ``hour_began`` (microseconds),
    ``most_blocks`` those in the largest hour of the day.
    """

    received: int
    held: int
    doubts: int = 0
    hour_began: int = 0
    hour_blocks: int = 0
    most_blocks: int = 0


class NewValues(NamedTuple):
    """The values listed in one day by a partner without a record, and how many of them are public."""

    new_values: int = 0
    new_public_values: int = 0


NO_NEW_VALUES = NewValues()


class HourBlocks(NamedTuple):
    """The begin of an hour (microseconds), and the values that a partner's reports alone blocked in it."""

    hour_began: int = 0
    hour_blocks: int = 0


NO_BLOCKS = HourBlocks()


class Throttle(NamedTuple):
    """A current or past throttle of a partner: its rule, its start and its end (microseconds)."""

    partner: str
    rule: str
    since: int
    lifted: int | None


def day_of(moment: int) -> int:
    """Return the day of a moment in microseconds, counted from the epoch in UTC."""
    return moment // _DAY


def count_contributed(
    tx: Tx,
    partner: str,
    *,
    received: int,
    held: int,
    doubts: int = 0,
    new: NewValues = NO_NEW_VALUES,
    blocks: HourBlocks = NO_BLOCKS,
    moment: int | None = None,
) -> None:
    """Add to the partner's volume on the day of ``moment`` (default: today); ``blocks`` replace those known.

    The partner's contributions must not be concurrent: the caller holds the inbox.
    """
    day = day_of(now() if moment is None else moment)
    counts = {"received": received, "held": held, "doubts": doubts, **new._asdict(), **blocks._asdict()}
    send(tx, _COUNT_MORE, {"partner": partner, "day": day, **counts})


def note_approved_blocks(tx: Tx, partner: str, count: int) -> None:
    """Note that a person approved ``count`` values that the partner's reports block, as those of one hour of today."""
    send(tx, _COUNT_APPROVED, {"partner": partner, "day": day_of(now()), "count": count})


def daily_volumes(tx: Tx, partners: Iterable[str], since: int) -> dict[str, dict[int, DailyVolume]]:
    """Return by partner and day the partners' volumes from the day ``since`` on."""
    found: dict[str, dict[int, DailyVolume]] = {}
    for partner, day, *counts in fetch(tx, _VOLUMES, {"of_partners": sorted(partners), "since": since}):
        found.setdefault(partner, {})[day] = DailyVolume(*counts)
    return found


def count_doubts(tx: Tx, partners: Iterable[str], day: int) -> int:
    """Return the number of references by which these partners contradicted reports of others on a day."""
    asked = select(func.coalesce(func.sum(volumes.c.doubts), 0)).where(volumes.c.day == day)
    return int(tx.execute(asked.where(volumes.c.partner.in_(list(partners)))).scalar_one())


def count_new_values(tx: Tx, partners: Iterable[str], day: int) -> NewValues:
    """Return the number of values that these partners without a record listed on a day."""
    sums = (func.coalesce(func.sum(column), 0) for column in columns_of(NewValues, volumes))
    asked = select(*sums).where(volumes.c.day == day, volumes.c.partner.in_(list(partners)))
    return NewValues(*map(int, tx.execute(asked).one()))


def forget_volumes(tx: Tx, *, before: int, most: int = 500) -> int:
    """Remove at most ``most`` volumes of days ``before`` (microseconds), and return their number."""
    v = volumes.c
    old = tx.execute(select(v.partner, v.day).where(v.day < day_of(before)).limit(most)).all()
    if old:
        statement = delete(volumes).where(v.partner == bindparam("of_partner"), v.day == bindparam("of_day"))
        tx.execute(statement, [{"of_partner": partner, "of_day": day} for partner, day in old])
    return len(old)


def last_throttle(tx: Tx, partner: str) -> Throttle | None:
    """Return the partner's last throttle, or None."""
    row = tx.execute(select(*columns_of(Throttle, throttles)).where(throttles.c.partner == partner)).first()
    return Throttle(*row) if row else None


def last_throttles(tx: Tx) -> dict[str, Throttle]:
    """Return the last throttle of each partner that ever had one, by name."""
    return {row.partner: Throttle(*row) for row in tx.execute(select(*columns_of(Throttle, throttles)))}


def throttle(tx: Tx, partner: str, rule: str, moment: int) -> None:
    """Throttle the partner from ``moment`` on."""
    tx.execute(delete(throttles).where(throttles.c.partner == partner))
    tx.execute(insert(throttles).values(partner=partner, rule=rule, since=moment, lifted=None))


def lift_throttle(tx: Tx, partner: str, moment: int | None = None) -> bool:
    """End the partner's throttle. Return False if it had none."""
    mine = (throttles.c.partner == partner, throttles.c.lifted.is_(None))
    done = tx.execute(update(throttles).where(*mine).values(lifted=now() if moment is None else moment))
    return bool(done.rowcount)


def current_throttles(tx: Tx) -> list[Throttle]:
    """Return the throttles in force, by partner."""
    asked = select(*columns_of(Throttle, throttles)).where(throttles.c.lifted.is_(None)).order_by(throttles.c.partner)
    return [Throttle(*row) for row in tx.execute(asked)]


# These run with every contribution, so they are built once.
_VOLUMES = select(volumes.c.partner, volumes.c.day, *columns_of(DailyVolume, volumes)).where(
    among(volumes.c.partner, "of_partners"), volumes.c.day >= bindparam("since")
)
_COUNT_MORE = text(
    "INSERT INTO volumes (partner, day, received, held, doubts, new_values, new_public_values, hour_began, hour_blocks,"
    " most_blocks)"
    " VALUES (:partner, :day, :received, :held, :doubts, :new_values, :new_public_values, :hour_began, :hour_blocks,"
    " :hour_blocks)"
    " ON CONFLICT (partner, day) DO UPDATE SET received = volumes.received + excluded.received,"
    " held = volumes.held + excluded.held, doubts = volumes.doubts + excluded.doubts,"
    " new_values = volumes.new_values + excluded.new_values,"
    " new_public_values = volumes.new_public_values + excluded.new_public_values,"
    " hour_began = CASE WHEN excluded.hour_began > 0 THEN excluded.hour_began ELSE volumes.hour_began END,"
    " hour_blocks = CASE WHEN excluded.hour_began > 0 THEN excluded.hour_blocks ELSE volumes.hour_blocks END,"
    " most_blocks = CASE WHEN excluded.most_blocks > volumes.most_blocks THEN excluded.most_blocks"
    " ELSE volumes.most_blocks END"
).bindparams(bindparam("hour_began", type_=BigInteger), bindparam("hour_blocks", type_=BigInteger))
_COUNT_APPROVED = text(
    "INSERT INTO volumes (partner, day, received, held, doubts, most_blocks)"
    " VALUES (:partner, :day, 0, 0, 0, :count)"
    " ON CONFLICT (partner, day) DO UPDATE SET most_blocks = volumes.most_blocks + excluded.most_blocks"
)
