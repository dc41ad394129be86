"""Items put aside because something here failed at them alone, so that the others could go on."""

import hashlib
from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import delete, func, insert, select, update

from server.store import clock
from server.store.lists import any_of, chunks
from server.store.store import Tx
from server.store.tables import dead_letters
from server.store.times import moment


class Letter(NamedTuple):
    """An item that was put aside: the ``subject`` is its STIX id, ``reason`` the kind of the error, no text of it."""

    id: str
    subject: str
    body: bytes
    reason: str
    first: datetime
    last: datetime
    attempts: int


def put(tx: Tx, feed: str, subject: str, body: bytes, reason: str) -> None:
    """Put an item aside; the same again is one attempt more at the same letter."""
    id_ = hashlib.sha256(subject.encode() + b"\0" + body).hexdigest()[:32]
    now, d = clock.now(tx), dead_letters.c
    mine = (d.feed == feed, d.id == id_)
    again = update(dead_letters).where(*mine).values(last=now, reason=reason, attempts=d.attempts + 1)
    if not tx.execute(again).rowcount:
        row = {"feed": feed, "id": id_, "subject": subject, "body": body, "reason": reason}
        tx.execute(insert(dead_letters).values(row | {"first": now, "last": now, "attempts": 1}))


def of(tx: Tx, feed: str, *, attempts_below: int | None = None) -> list[Letter]:
    """Give the feed's letters, the oldest first; with ``attempts_below`` those that were not tried so often yet."""
    d = dead_letters.c
    asked = select(d.id, d.subject, d.body, d.reason, d.first, d.last, d.attempts).where(d.feed == feed)
    if attempts_below is not None:
        asked = asked.where(d.attempts < attempts_below)
    return [
        Letter(row.id, row.subject, row.body, row.reason, moment(row.first), moment(row.last), row.attempts)
        for row in tx.execute(asked.order_by(d.first, d.id))
    ]


def remove(tx: Tx, feed: str, ids: Iterable[str]) -> None:
    """Forget letters, which have arrived after all or will never have to."""
    for chunk in chunks(ids):
        tx.execute(delete(dead_letters).where(dead_letters.c.feed == feed, any_of(tx, dead_letters.c.id, chunk)))


def counts(tx: Tx) -> dict[str, int]:
    """Count the letters of each feed that has any."""
    counted = select(dead_letters.c.feed, func.count().label("letters")).group_by(dead_letters.c.feed)
    return {row.feed: row.letters for row in tx.execute(counted)}
