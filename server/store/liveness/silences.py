"""Silences: partners, sources and collections that are unusually quiet, and the feeds that alerted people."""

from collections.abc import Iterable
from typing import NamedTuple

import msgspec
from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from server.store.database.engine import Tx
from server.store.liveness.tables import silences


class Silence(NamedTuple):
    """A silence ``since`` a moment, the longest pause that is ``usual``, and when the silence was found.

    ``what`` is partner, source or collection; times are in microseconds; ``alerted`` are the feeds that alerted people.
    """

    what: str
    name: str
    since: int
    usual: int
    found: int
    alerted: tuple[str, ...] = ()


def current(tx: Tx) -> list[Silence]:
    """Return the current silences, the longest first."""
    asked = select(silences).order_by(silences.c.since, silences.c.what, silences.c.name)
    return [
        Silence(row.what, row.name, row.since, row.usual, row.found, tuple(msgspec.json.decode(row.alerted)))
        for row in tx.execute(asked)
    ]


def begin(tx: Tx, silence: Silence) -> bool:
    """Record a silence. Return False if another process has done so."""
    try:
        with tx.begin_nested():
            tx.execute(insert(silences).values(silence._asdict() | {"alerted": msgspec.json.encode(silence.alerted)}))
    except IntegrityError:
        return False
    return True


def end(tx: Tx, silence: Silence) -> bool:
    """Remove an ended silence. Return False if another process has done so."""
    s = silences.c
    return bool(tx.execute(delete(silences).where(s.what == silence.what, s.name == silence.name)).rowcount)


def mark_alerted(tx: Tx, feed: str, alerted: Iterable[Silence]) -> None:
    """Record that ``feed`` has alerted people about these silences."""
    s = silences.c
    for silence in alerted:
        row = (s.what == silence.what, s.name == silence.name, s.since == silence.since)
        names = msgspec.json.encode(sorted({*silence.alerted, feed}))
        tx.execute(update(silences).where(*row).values(alerted=names))
