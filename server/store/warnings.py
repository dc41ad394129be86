"""What an operator has to do something about."""

from typing import NamedTuple

from sqlalchemy import delete, insert, select, update

from server.store.store import Tx
from server.store.tables_of_rules import warnings
from server.store.times import now

# Somebody is said to act under coercion, and there is nobody to turn to for that person's protection.
NO_FOCAL_POINT = "no-focal-point"


class Notice(NamedTuple):
    """What happened, since when, when last (microseconds), and how often."""

    name: str
    first: int
    last: int
    times: int


def note(tx: Tx, name: str, count: int = 1) -> None:
    """Note that something happened, so many times, that an operator has to do something about."""
    moment = now()
    more = {"last": moment, "count": warnings.c.count + count}
    if tx.execute(update(warnings).where(warnings.c.name == name).values(**more)).rowcount == 0:
        tx.execute(insert(warnings).values(name=name, first=moment, last=moment, count=count))


def every(tx: Tx) -> list[Notice]:
    """List what there is to do something about, by name."""
    return [Notice(*row) for row in tx.execute(select(warnings).order_by(warnings.c.name))]


def clear(tx: Tx, name: str) -> None:
    """Note that something was done about it."""
    tx.execute(delete(warnings).where(warnings.c.name == name))
