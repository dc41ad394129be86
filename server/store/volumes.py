"""How much each partner sends a day, how much of it is held back, and who is slowed for it."""

from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import delete, func, insert, select, update

from server.store.store import Tx
from server.store.tables_of_rules import brakes, volumes
from server.store.times import now

_DAY = 86_400_000_000


class Volume(NamedTuple):
    """What a partner sent in one day, and how much of it the guard held back; what speaks of others by its references.

    ``doubts`` are the references by which it said something against what others report.
    """

    taken: int
    held: int
    doubts: int = 0


class Brake(NamedTuple):
    """A partner that is or was slowed: by which rule, since when, until when (microseconds)."""

    partner: str
    rule: str
    since: int
    lifted: int | None


def day_of(moment: int) -> int:
    """Give the day, counted from the epoch in UTC, that a moment in microseconds is in."""
    return moment // _DAY


def count(tx: Tx, partner: str, *, taken: int, held: int, doubts: int = 0, moment: int | None = None) -> None:
    """Add to what the partner has sent in the day of ``moment``, today where it is not given.

    Its contributions have to come one after another: the caller holds the inbox.
    """
    day = day_of(now() if moment is None else moment)
    mine = (volumes.c.partner == partner, volumes.c.day == day)
    counts = {"taken": taken, "held": held, "doubts": doubts}
    more = {name: volumes.c[name] + number for name, number in counts.items()}
    if tx.execute(update(volumes).where(*mine).values(**more)).rowcount == 0:
        tx.execute(insert(volumes).values(partner=partner, day=day, **counts))


def days(tx: Tx, partner: str, since: int) -> dict[int, Volume]:
    """Give by day what the partner has sent from the day ``since`` on."""
    asked = select(volumes.c.day, volumes.c.taken, volumes.c.held, volumes.c.doubts)
    rows = tx.execute(asked.where(volumes.c.partner == partner, volumes.c.day >= since))
    return {day: Volume(*counts) for day, *counts in rows}


def doubts(tx: Tx, partners: Iterable[str], day: int) -> int:
    """Count the references by which these partners said something against others' reports on a day."""
    asked = select(func.coalesce(func.sum(volumes.c.doubts), 0)).where(volumes.c.day == day)
    return int(tx.execute(asked.where(volumes.c.partner.in_(list(partners)))).scalar_one())


def forget(tx: Tx, before: int) -> None:
    """Remove the counts of the days before the day ``before``."""
    tx.execute(delete(volumes).where(volumes.c.day < before))


def brake(tx: Tx, partner: str) -> Brake | None:
    """Give the last time that the partner was slowed, None where it never was."""
    row = tx.execute(select(brakes).where(brakes.c.partner == partner)).first()
    return Brake(*row) if row else None


def slow(tx: Tx, partner: str, rule: str, moment: int) -> None:
    """Note that the partner is slowed from ``moment`` on."""
    tx.execute(delete(brakes).where(brakes.c.partner == partner))
    tx.execute(insert(brakes).values(partner=partner, rule=rule, since=moment, lifted=None))


def lift(tx: Tx, partner: str, moment: int | None = None) -> bool:
    """Let the partner go on as before; False where nothing slowed it."""
    mine = (brakes.c.partner == partner, brakes.c.lifted.is_(None))
    done = tx.execute(update(brakes).where(*mine).values(lifted=now() if moment is None else moment))
    return bool(done.rowcount)


def slowed(tx: Tx) -> list[Brake]:
    """Give the partners that are slowed, by name."""
    asked = select(brakes).where(brakes.c.lifted.is_(None)).order_by(brakes.c.partner)
    return [Brake(*row) for row in tx.execute(asked)]
