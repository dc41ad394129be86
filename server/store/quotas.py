"""Quotas of partners, how much they contribute a day, and which of them are throttled.

A quota is counted once for all processes and nodes. It holds for a stretch of time that begins with the first use after
the last one has ended; within it no more is used than the limit. What was used beyond it all the same, as its cost was
known later, is used of the stretches that follow, whichever process asks.
"""

import logging
import math
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from sqlalchemy import BigInteger, bindparam, delete, func, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from server.store.database.direct import fetch, send
from server.store.database.engine import Store, StoreUnavailable, Tx
from server.store.database.times import now
from server.store.release_tables import throttles, volumes
from server.store.tables import quotas

log = logging.getLogger(__name__)

_SECOND = 1_000_000
# A process charges at most this part of a limit at once, and of the rest.
_LARGEST_SLICE = 10
_LARGEST_OF_REST = 4


def charge(tx: Tx, partner: str, unit: str, count: int, *, limit: int, seconds: int) -> int:
    """Charge all of ``count`` to the partner's quota, or nothing; returns 0, or the seconds until it may fit."""
    if count <= limit:
        moment = now()
        span = {"since": moment - seconds * _SECOND, "moment": moment, "limit": limit}
        if fetch(tx, _CHARGE, {"partner": partner, "unit": unit, "count": count, **span}):
            return 0
    began, _, moment = _locked(tx, partner, unit, seconds, limit)
    return _until(began, seconds, moment)


class TakenSlice(NamedTuple):
    """A slice of a quota: its size (0: nothing is left), the seconds until the stretch ends, and what is left then."""

    size: int
    seconds: int
    rest: int


def take(tx: Tx, partner: str, unit: str, most: int, *, limit: int, seconds: int, least: int = 1) -> TakenSlice:
    """Charge a slice of up to ``most`` to the quota, less when little is left, but ``least`` where that is left."""
    began, used, moment = _locked(tx, partner, unit, seconds, limit)
    left = limit - used
    charged = max(0, min(max(most, least), max(least, left // _LARGEST_OF_REST), left))
    if charged:
        _write(tx, partner, unit, began, used + charged)
    return TakenSlice(charged, _until(began, seconds, moment), left - charged)


def correct(tx: Tx, partner: str, unit: str, by: int, *, limit: int, seconds: int) -> None:
    """Count so much more as used, also beyond the limit, or less where ``by`` is negative."""
    began, used, _ = _locked(tx, partner, unit, seconds, limit)
    _write(tx, partner, unit, began, max(0, used + by))


def wait(tx: Tx, partner: str, unit: str, *, limit: int, seconds: int) -> int:
    """Return the seconds that a partner with a used-up quota has to wait; 0 where something is left."""
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
    """The part of a partner's quota that this process has left, and the size of its next slice.

    Below zero it has used more than it had, and the store took no writes since. ``rest`` is what nobody had taken when
    this process last asked.
    """

    left: int = 0
    rest: int = 0
    ends: float = 0.0
    spent: bool = False
    next: int = 1
    # What this process has used of the stretch.
    used: int = 0
    changing: threading.Lock = field(default_factory=threading.Lock)


class QuotaState(NamedTuple):
    """A partner's quota as far as a process knows: how much is left, and the seconds until it is whole again."""

    remaining: int
    seconds: int


class RequestMeter:
    """Counts the requests of each partner; asks the store for a slice of the quota, not for each request.

    Never more than ``limit`` in a stretch, over all processes. A process that has slices left when the quota is used up
    goes on using them, so another may refuse early: by at most a tenth of the limit for each process, as a process
    doubles its slices only while it uses them. While the store takes no writes, each process counts by itself, so that
    nobody who only reads waits for it.
    """

    def __init__(self, unit: str, limit: int, seconds: int) -> None:
        """Let each partner use ``limit`` of ``unit`` in ``seconds``; 0 is no limit."""
        self._unit = unit
        self._limit = limit
        self._seconds = seconds
        # What a process may hold of the quota of one partner without using it.
        self.largest_slice = max(1, limit // _LARGEST_SLICE)
        self._slices: dict[str, _Slice] = {}

    def spend(self, store: Store, partner: str, count: int = 1) -> int:
        """Count so many requests, or none of them; returns 0, or the seconds until they may be allowed."""
        if not self._limit:
            return 0
        mine = self._slices.setdefault(partner, _Slice())
        with mine.changing:
            now_ = time.monotonic()
            if now_ >= mine.ends:
                # What was used beyond the last stretch is paid from this one.
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
        """Count what was used in truth of what was allowed and ``spent``, once that is known.

        What is too much is given back: to this process, and to all where it would keep much. What is used beyond it is
        paid by the next requests, whichever process they come to. A fast store has to be spared that.
        """
        if not self._limit or spent == used:
            return
        mine = self._slices.setdefault(partner, _Slice())
        with mine.changing:
            if time.monotonic() >= mine.ends and used < spent:
                # It was of a stretch that has ended.
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
        """Return what the partner has left, as far as this process knows of others."""
        mine = self._slices.get(partner)
        now_ = time.monotonic()
        if mine is None or now_ >= mine.ends:
            return QuotaState(self._limit, self._seconds)
        return QuotaState(max(0, mine.left + mine.rest), max(1, math.ceil(mine.ends - now_)))

    def _refill(self, store: Store, partner: str, mine: _Slice, least: int) -> TakenSlice:
        """Charge the next slice, ``least`` of it where there is so much."""
        limit, seconds = self._limit, self._seconds
        try:
            with store.begin() as tx:
                return take(tx, partner, self._unit, mine.next, limit=limit, seconds=seconds, least=least)
        except StoreUnavailable as error:
            log.warning("quota-counted-here partner=%s reason=%s", partner, error)
            return TakenSlice(max(0, limit - mine.used - max(0, mine.left)), seconds, 0)


def _locked(tx: Tx, partner: str, unit: str, seconds: int, limit: int) -> tuple[int, int, int]:
    """Lock the partner's row until the transaction ends; returns the beginning of its stretch, its use, and now."""
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
            # Another process made it in the same moment; the row can be locked now.
            pass
        row = tx.execute(asked).one()
    moment = now()
    began, used = row
    # A clock that was set back ends the stretch too.
    if not 0 <= moment - began < seconds * _SECOND:
        stretches = max(1, (moment - began) // (seconds * _SECOND))
        return moment, max(0, used - stretches * limit), moment
    return began, used, moment


def _write(tx: Tx, partner: str, unit: str, began: int, used: int) -> None:
    mine = (quotas.c.partner == partner, quotas.c.unit == unit)
    tx.execute(update(quotas).where(*mine).values(began=began, used=used))


def _until(began: int, seconds: int, moment: int) -> int:
    return max(1, -((moment - began - seconds * _SECOND) // _SECOND))


# Run with every POST, so put together once.
_ASKED = select(quotas.c.began, quotas.c.used).where(
    quotas.c.partner == bindparam("of_partner"), quotas.c.unit == bindparam("of_unit")
)


# A stretch that has ended begins anew, also one that begins in the future, as the clock was set back.
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
    """The objects that a partner contributed in one day, and how many of them the guard held back.

    Annotations count by their references. ``doubts`` are the references that contradict reports of others.
    """

    received: int
    held: int
    doubts: int = 0


class Throttle(NamedTuple):
    """A partner that is or was throttled: by which rule, since when, until when (microseconds)."""

    partner: str
    rule: str
    since: int
    lifted: int | None


def day_of(moment: int) -> int:
    """Return the day of a moment in microseconds, counted from the epoch in UTC."""
    return moment // _DAY


def count_contributed(
    tx: Tx, partner: str, *, received: int, held: int, doubts: int = 0, moment: int | None = None
) -> None:
    """Add to the partner's volume of the day of ``moment``, today without one.

    Its contributions have to come one after another: the caller holds the inbox.
    """
    day = day_of(now() if moment is None else moment)
    counts = {"received": received, "held": held, "doubts": doubts}
    send(tx, _COUNT_MORE, {"partner": partner, "day": day, **counts})


def daily_volumes(tx: Tx, partner: str, since: int) -> dict[int, DailyVolume]:
    """Return by day the partner's volumes from the day ``since`` on."""
    rows = fetch(tx, _VOLUMES, {"of_partner": partner, "since": since})
    return {day: DailyVolume(*counts) for day, *counts in rows}


def count_doubts(tx: Tx, partners: Iterable[str], day: int) -> int:
    """Count the references by which these partners contradicted reports of others on a day."""
    asked = select(func.coalesce(func.sum(volumes.c.doubts), 0)).where(volumes.c.day == day)
    return int(tx.execute(asked.where(volumes.c.partner.in_(list(partners)))).scalar_one())


def forget_volumes(tx: Tx, *, before: int, most: int = 500) -> int:
    """Remove volumes of days ``before`` (microseconds), at most so many at once, and return their number."""
    v = volumes.c
    old = tx.execute(select(v.partner, v.day).where(v.day < day_of(before)).limit(most)).all()
    if old:
        statement = delete(volumes).where(v.partner == bindparam("of_partner"), v.day == bindparam("of_day"))
        tx.execute(statement, [{"of_partner": partner, "of_day": day} for partner, day in old])
    return len(old)


def last_throttle(tx: Tx, partner: str) -> Throttle | None:
    """Return the last time that the partner was throttled, None where it never was."""
    row = tx.execute(select(throttles).where(throttles.c.partner == partner)).first()
    return Throttle(*row) if row else None


def last_throttles(tx: Tx) -> dict[str, Throttle]:
    """Return the last throttle of each partner that ever was throttled, by its name."""
    return {row.partner: Throttle(*row) for row in tx.execute(select(throttles))}


def throttle(tx: Tx, partner: str, rule: str, moment: int) -> None:
    """Throttle the partner from ``moment`` on."""
    tx.execute(delete(throttles).where(throttles.c.partner == partner))
    tx.execute(insert(throttles).values(partner=partner, rule=rule, since=moment, lifted=None))


def lift_throttle(tx: Tx, partner: str, moment: int | None = None) -> bool:
    """End the partner's throttle; False where it had none."""
    mine = (throttles.c.partner == partner, throttles.c.lifted.is_(None))
    done = tx.execute(update(throttles).where(*mine).values(lifted=now() if moment is None else moment))
    return bool(done.rowcount)


def current_throttles(tx: Tx) -> list[Throttle]:
    """Return the throttles in force, by partner."""
    asked = select(throttles).where(throttles.c.lifted.is_(None)).order_by(throttles.c.partner)
    return [Throttle(*row) for row in tx.execute(asked)]


# Run with every contribution, so put together once.
_VOLUMES = select(volumes.c.day, volumes.c.received, volumes.c.held, volumes.c.doubts).where(
    volumes.c.partner == bindparam("of_partner"), volumes.c.day >= bindparam("since")
)
_COUNT_MORE = text(
    "INSERT INTO volumes (partner, day, received, held, doubts) VALUES (:partner, :day, :received, :held, :doubts)"
    " ON CONFLICT (partner, day) DO UPDATE SET received = volumes.received + excluded.received,"
    " held = volumes.held + excluded.held, doubts = volumes.doubts + excluded.doubts"
)
