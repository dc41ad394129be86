"""The audit trail: requests and operators' actions, in chains of rows that are only added, each sealed onto the last.

Writes have a chain for each collection, added to in the transaction of the write; everything else shares one. A row's
hash covers the hash before it, so that no row can be changed, moved or taken out without the chain breaking there.
Rows that are too old are removed from a chain's beginning only; the last hash removed is kept, and the chain goes on
from it.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple

import orjson
from sqlalchemy import bindparam, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from server.store.engine import Tx
from server.store.tables import audit, audit_ends, audit_starts
from server.store.times import now

REQUESTS = "requests"

_START = bytes(32)
_PAGE = 5_000


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """Equal requests, counted: partner, address, route and result.

    ``first`` and ``last`` are microseconds, ``objects`` those that came in or went out, ``reference`` the id of the
    status resource or of the error. ``partner`` is None where nobody was authenticated.
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


class AuditEntry(NamedTuple):
    """An event at its place in the trail."""

    chain: str
    number: int
    event: AuditEvent
    hash: str


class BrokenChain(NamedTuple):
    """A chain's first row that is not as it was written, or the row after its end, where rows were cut off."""

    chain: str
    number: int


def record(tx: Tx, events: Sequence[AuditEvent], chain: str = REQUESTS) -> None:
    """Add events to a chain, in their order; other processes wait for the end of this transaction."""
    number, seal = _locked(tx, chain)
    rows: list[dict[str, Any]] = []
    for number, event in enumerate(events, number + 1):  # noqa: B020 - it goes on from the chain's end
        values = _values(event)
        seal = _seal(seal, chain, number, values)
        rows.append({"chain": chain, "number": number, **dict(zip(_FIELDS, values, strict=True)), "hash": seal})
    if rows:
        tx.execute(insert(audit), rows)
        tx.execute(update(audit_ends).where(audit_ends.c.chain == chain).values(number=number, hash=seal))


def verify(tx: Tx) -> list[BrokenChain]:
    """Recompute every chain from its beginning, or from where it was cut off for its age.

    Returns the first broken row of each broken chain; nothing when the trail is whole.
    """
    broken = []
    for chain, end, final in tx.execute(select(audit_ends.c.chain, audit_ends.c.number, audit_ends.c.hash)).all():
        number, seal = _beginning(tx, chain)
        for number, row in enumerate(_rows(tx, chain), number + 1):  # noqa: B020 - it goes on from the beginning
            seal = _seal(seal, chain, number, list(row[1:-1]))
            if row[0] != number or row[-1] != seal:
                broken.append(BrokenChain(chain, number))
                break
        else:
            if (number, seal) != (end, final):
                broken.append(BrokenChain(chain, number + 1))
    known = select(audit_ends.c.chain)
    loose = select(audit.c.chain).where(audit.c.chain.not_in(known)).distinct()
    return broken + [BrokenChain(chain, 1) for chain in tx.execute(loose).scalars()]


def forget(tx: Tx, chain: str, *, before: int) -> int:
    """Remove the oldest rows of a chain, those that ended ``before`` (microseconds), some thousand at most.

    Returns their number; call again until that is 0. The chain stays whole: the hash of the last removed row is kept,
    and an event in the trail records how many rows went, up to which hash. A row that breaks the chain stays, and so do
    all after it.
    """
    oldest = next(iter(_rows(tx, chain)), None)
    if oldest is None or AuditEvent(*oldest[1:-1]).last >= before:
        return 0
    _locked(tx, chain)
    number, seal = _beginning(tx, chain)
    removed = 0
    for row in islice(_rows(tx, chain), _PAGE):
        after = _seal(seal, chain, number + 1, list(row[1:-1]))
        if AuditEvent(*row[1:-1]).last >= before or (row[0], row[-1]) != (number + 1, after):
            break
        number, seal, removed = number + 1, after, removed + 1
    if removed:
        tx.execute(delete(audit).where(audit.c.chain == chain, audit.c.number <= number))
        tx.execute(delete(audit_starts).where(audit_starts.c.chain == chain))
        tx.execute(insert(audit_starts).values(chain=chain, number=number, hash=seal))
        moment, collection = now(), None if chain == REQUESTS else chain
        record(tx, [AuditEvent(moment, moment, 1, None, "", "FORGET", "audit", collection, 200, removed, seal.hex())])
    return removed


def chains(tx: Tx) -> list[str]:
    """List the names of all chains."""
    return list(tx.execute(select(audit_ends.c.chain).order_by(audit_ends.c.chain)).scalars())


def last_writes(tx: Tx) -> dict[str, AuditEvent]:
    """Return the last write of each collection, by its id, that is still in the trail."""
    ends = (audit_ends.c.chain == audit.c.chain) & (audit_ends.c.number == audit.c.number)
    asked = select(audit.c.chain, *_COLUMNS).join(audit_ends, ends).where(audit.c.chain != REQUESTS)
    return {row[0]: AuditEvent(*row[1:]) for row in tx.execute(asked)}


def tail(tx: Tx, n: int) -> list[AuditEntry]:
    """Return the last ``n`` entries of the whole trail, the newest first."""
    order = (audit.c.first.desc(), audit.c.chain, audit.c.number.desc())
    asked = select(audit.c.chain, audit.c.number, *_COLUMNS, audit.c.hash).order_by(*order).limit(n)
    return [AuditEntry(row[0], row[1], AuditEvent(*row[2:-1]), row[-1].hex()) for row in tx.execute(asked)]


_FIELDS = tuple(AuditEvent.__dataclass_fields__)
_COLUMNS = tuple(audit.c[name] for name in _FIELDS)


def _rows(tx: Tx, chain: str) -> Iterable[Sequence[Any]]:
    """Yield the rows of a chain in their order, fetched some thousand at a time."""
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


def _beginning(tx: Tx, chain: str) -> tuple[int, bytes]:
    """Return the number and the hash that the first row of a chain goes on from."""
    row = tx.execute(select(audit_starts.c.number, audit_starts.c.hash).where(audit_starts.c.chain == chain)).first()
    return (row[0], row[1]) if row else (0, _START)


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


def _values(event: AuditEvent) -> list[Any]:
    return [getattr(event, name) for name in _FIELDS]


def _seal(before: bytes, chain: str, number: int, values: list[Any]) -> bytes:
    return hashlib.sha256(before + orjson.dumps([chain, number, *values])).digest()
