"""What a partner may use in a stretch of time, counted once for all processes and nodes.

A stretch begins with the first use after the last one has ended. Within it no more is given out than the limit.
"""

import math
import threading
import time
from dataclasses import dataclass, field

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError

from server.store.store import Store, Tx
from server.store.tables import allowances
from server.store.times import now

_SECOND = 1_000_000
# A process takes at most this part of a limit at once, and of what is left of it.
_LARGEST_SLICE = 10
_LARGEST_OF_REST = 4


def charge(tx: Tx, partner: str, unit: str, count: int, *, limit: int, seconds: int) -> int:
    """Take all of ``count`` from the partner's allowance, or nothing; 0, or the seconds until it may be there."""
    began, used, moment = _locked(tx, partner, unit, seconds)
    if used + count > limit:
        return _until(began, seconds, moment)
    _write(tx, partner, unit, began, used + count)
    return 0


def take(tx: Tx, partner: str, unit: str, most: int, *, limit: int, seconds: int) -> tuple[int, int]:
    """Take a slice of up to ``most``, less when little is left; what was taken (0: nothing is left), and for how long.

    The second figure is the seconds until the stretch ends.
    """
    began, used, moment = _locked(tx, partner, unit, seconds)
    left = limit - used
    taken = max(0, min(most, max(1, left // _LARGEST_OF_REST), left))
    if taken:
        _write(tx, partner, unit, began, used + taken)
    return taken, _until(began, seconds, moment)


def wait(tx: Tx, partner: str, unit: str, *, limit: int, seconds: int) -> int:
    """Say how many seconds a partner waits that has used its allowance up; 0 where something is left of it."""
    row = tx.execute(_ASKED, {"of_partner": partner, "of_unit": unit}).first()
    if row is None:
        return 0
    began, used = row
    moment = now()
    if used < limit or not 0 <= moment - began < seconds * _SECOND:
        return 0
    return _until(began, seconds, moment)


@dataclass(slots=True)
class _Slice:
    """What this process has left to give of a partner's allowance, and how much it takes next."""

    left: int = 0
    ends: float = 0.0
    spent: bool = False
    next: int = 1
    changing: threading.Lock = field(default_factory=threading.Lock)


class Meter:
    """Counts the requests of each partner; asks the store for a slice of the allowance, not for each request.

    Never more than ``limit`` in a stretch, over all processes. A process that has slices left when the allowance is
    gone goes on giving them out, so another may refuse early: by at most a tenth of the limit for each process, as a
    process doubles its slices only while it uses them.
    """

    def __init__(self, unit: str, limit: int, seconds: int) -> None:
        """Let each partner use ``limit`` of ``unit`` in ``seconds``; 0 is no limit."""
        self._unit = unit
        self._limit = limit
        self._seconds = seconds
        self._slices: dict[str, _Slice] = {}

    def spend(self, store: Store, partner: str) -> int:
        """Count one request; 0, or the seconds until there is an allowance again. Raises ``StoreUnavailable``."""
        if not self._limit:
            return 0
        mine = self._slices.setdefault(partner, _Slice())
        with mine.changing:
            now_ = time.monotonic()
            if now_ >= mine.ends:
                mine.left, mine.spent, mine.next = 0, False, 1
            if not mine.left and not mine.spent:
                with store.begin() as tx:
                    mine.left, seconds = take(
                        tx, partner, self._unit, mine.next, limit=self._limit, seconds=self._seconds
                    )
                mine.ends = now_ + seconds
                mine.spent = not mine.left
                mine.next = min(mine.next * 2, max(1, self._limit // _LARGEST_SLICE))
            if mine.left:
                mine.left -= 1
                return 0
            return min(self._seconds, max(1, math.ceil(mine.ends - now_)))


def _locked(tx: Tx, partner: str, unit: str, seconds: int) -> tuple[int, int, int]:
    """Hold the partner's row until the transaction ends: when its stretch began, what of it is used, and now."""
    asked = (
        select(allowances.c.began, allowances.c.used)
        .where(allowances.c.partner == partner, allowances.c.unit == unit)
        .with_for_update()
    )
    row = tx.execute(asked).first()
    if row is None:
        try:
            with tx.begin_nested():
                tx.execute(insert(allowances).values(partner=partner, unit=unit, began=0, used=0))
        except IntegrityError:
            # Another process made it in the same moment; the row is there to lock now.
            pass
        row = tx.execute(asked).one()
    moment = now()
    began, used = row
    # A clock that was set back ends the stretch too.
    if not 0 <= moment - began < seconds * _SECOND:
        return moment, 0, moment
    return began, used, moment


def _write(tx: Tx, partner: str, unit: str, began: int, used: int) -> None:
    mine = (allowances.c.partner == partner, allowances.c.unit == unit)
    tx.execute(update(allowances).where(*mine).values(began=began, used=used))


def _until(began: int, seconds: int, moment: int) -> int:
    return max(1, -((moment - began - seconds * _SECOND) // _SECOND))


# Asked with every POST, so put together once.
_ASKED = select(allowances.c.began, allowances.c.used).where(
    allowances.c.partner == bindparam("of_partner"), allowances.c.unit == bindparam("of_unit")
)
