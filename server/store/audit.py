"""The audit trail: who wrote, read and failed to, when, from where; rows are only added, each sealed onto the last.

Writes have a chain for each collection, added to in the transaction of the write; everything else shares one. A row's
hash covers the hash before it, so that no row can be changed, moved or taken out without the chain breaking there.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson
from sqlalchemy import bindparam, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from server.store.store import Tx
from server.store.tables import audit, audit_ends, collections, positions
from server.store.times import now

REQUESTS = "requests"

_START = bytes(32)
_PAGE = 5_000


@dataclass(frozen=True, slots=True)
class Event:
    """Requests that were equal: who asked from where for what, with what result.

    ``first`` and ``last`` are microseconds, ``objects`` those that came in or went out, ``reference`` the id of the
    status resource or of the error. ``partner`` is None where nobody was proven.
    """

    first: int
    last: int
    requests: int
    partner: str | None
    remote: str
    method: str
    route: str
    collection: str | None
    status: int
    objects: int
    reference: str | None


class Entry(NamedTuple):
    """An event where it stands in the trail."""

    chain: str
    number: int
    event: Event
    hash: str


class Broken(NamedTuple):
    """The first row of a chain that is not what was written, or its end, where rows were cut off."""

    chain: str
    number: int


@dataclass(frozen=True, slots=True)
class Lag:
    """How far a partner is behind a collection, in seconds, and when it last asked (microseconds)."""

    partner: str
    collection: str
    seconds: float
    asked: int


def record(tx: Tx, events: Sequence[Event], chain: str = REQUESTS) -> None:
    """Add events to a chain, in their order; other processes wait for the end of this transaction."""
    number, seal = _locked(tx, chain)
    rows: list[dict[str, Any]] = []
    for number, event in enumerate(events, number + 1):  # noqa: B020 - it goes on from the chain's end
        said = _said(event)
        seal = _seal(seal, chain, number, said)
        rows.append({"chain": chain, "number": number, **dict(zip(_FIELDS, said, strict=True)), "hash": seal})
    if rows:
        tx.execute(insert(audit), rows)
        tx.execute(update(audit_ends).where(audit_ends.c.chain == chain).values(number=number, hash=seal))


def verify(tx: Tx) -> list[Broken]:
    """Recompute every chain; gives where each broken one breaks first, nothing when the trail is whole."""
    broken = []
    for chain, end, final in tx.execute(select(audit_ends.c.chain, audit_ends.c.number, audit_ends.c.hash)).all():
        number, seal = 0, _START
        for number, row in enumerate(_rows(tx, chain), 1):
            seal = _seal(seal, chain, number, list(row[1:-1]))
            if row[0] != number or row[-1] != seal:
                broken.append(Broken(chain, number))
                break
        else:
            if (number, seal) != (end, final):
                broken.append(Broken(chain, number + 1))
    known = select(audit_ends.c.chain)
    loose = select(audit.c.chain).where(audit.c.chain.not_in(known)).distinct()
    return broken + [Broken(chain, 1) for chain in tx.execute(loose).scalars()]


def tail(tx: Tx, n: int) -> list[Entry]:
    """Give the last ``n`` entries of the whole trail, the newest first."""
    order = (audit.c.first.desc(), audit.c.chain, audit.c.number.desc())
    asked = select(audit.c.chain, audit.c.number, *_COLUMNS, audit.c.hash).order_by(*order).limit(n)
    return [Entry(row[0], row[1], Event(*row[2:-1]), row[-1].hex()) for row in tx.execute(asked)]


def advance(tx: Tx, given: Iterable[tuple[str, str, int]]) -> None:
    """Remember up to which ``date_added`` partners (name, collection id, microseconds) have been given collections."""
    moment = now()
    for partner, collection, position in sorted(given):
        mine = (positions.c.collection == collection, positions.c.partner == partner)
        had = tx.execute(select(positions.c.given).where(*mine).with_for_update()).scalar()
        tx.execute(delete(positions).where(*mine))
        row = {"collection": collection, "partner": partner, "given": max(position, had or 0), "asked": moment}
        tx.execute(insert(positions), row)


def lags(tx: Tx) -> list[Lag]:
    """Say how far each partner is behind each collection that it has asked for, by partner and alias."""
    asked = (
        select(positions.c.partner, collections.c.alias, collections.c.last_added, positions.c.given, positions.c.asked)
        .join(collections, collections.c.id == positions.c.collection)
        .order_by(positions.c.partner, collections.c.alias)
    )
    return [
        Lag(partner, alias, max(0, last - given) / 1_000_000, when)
        for partner, alias, last, given, when in tx.execute(asked)
    ]


_FIELDS = tuple(Event.__dataclass_fields__)
_COLUMNS = tuple(audit.c[name] for name in _FIELDS)


def _rows(tx: Tx, chain: str) -> Iterable[Sequence[Any]]:
    """Give the rows of a chain in their order, some at a time."""
    asked = (
        select(audit.c.number, *_COLUMNS, audit.c.hash)
        .where(audit.c.chain == chain, audit.c.number > bindparam("after"))
        .order_by(audit.c.number)
        .limit(_PAGE)
    )
    rows: Sequence[Sequence[Any]] = tx.execute(asked, {"after": -1}).all()
    while rows:
        yield from rows
        rows = tx.execute(asked, {"after": rows[-1][0]}).all()


def _locked(tx: Tx, chain: str) -> tuple[int, bytes]:
    asked = select(audit_ends.c.number, audit_ends.c.hash).where(audit_ends.c.chain == chain).with_for_update()
    row = tx.execute(asked).first()
    if row is None:
        try:
            with tx.begin_nested():
                tx.execute(insert(audit_ends).values(chain=chain, number=0, hash=_START))
        except IntegrityError:
            # Another process began the chain in the same moment.
            pass
        row = tx.execute(asked).one()
    return row[0], row[1]


def _said(event: Event) -> list[Any]:
    return [getattr(event, name) for name in _FIELDS]


def _seal(before: bytes, chain: str, number: int, said: list[Any]) -> bytes:
    return hashlib.sha256(before + orjson.dumps([chain, number, *said])).digest()
