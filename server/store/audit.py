"""The audit trail: requests and operators' actions in append-only chains, where each row is sealed onto the last.

Each collection has a chain for its writes; everything else shares one chain. A row's hash covers the previous hash, so
changing, moving or removing a row breaks the chain there. Expired rows are removed only from the beginning of a chain.
The last removed hash is kept, and the chain continues from it.

The row of a write is stored in the transaction of the write, but sealed onto its chain shortly after (``seal``).
Sealing it at once would make each write wait for the previous one. An unsealed row has a negative number and an empty
hash, and is part of the audit trail.

Successful reads are grouped by minute (``gather``) across processes. Equal reads share one row, which is sealed when
its minute is over.
"""

import hashlib
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, Literal, NamedTuple, overload

import orjson
from sqlalchemy import (
    BigInteger,
    LargeBinary,
    Select,
    and_,
    bindparam,
    case,
    delete,
    exists,
    insert,
    literal,
    or_,
    select,
    union,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from schemas.tlog.audit_chain import ChainHead, sealed as _seal
from server.store.database.direct import send
from server.store.database.engine import Tx
from server.store.database.times import now
from server.store.tables import audit, audit_ends, audit_starts, collections, columns_of

REQUESTS = "requests"
# The actors of entries that no person, partner or job made: the hub by its own rules, and a visitor without a login.
HUB = "hub"
VISITOR = "visitor"
# The methods of requests that are gathered.
READS = ("GET", "HEAD")
# Routes that read with a method that writes on other routes.
READING_ROUTES = ("lookup", "match-evaluate")
# Public routes, which have no partner.
OPEN_ROUTES = ("check", "objections", "objection")

_START = bytes(32)
_PAGE = 5_000
_MINUTE = 60_000_000
# Requests are added some seconds after they were answered.
_LATE = 5_000_000


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """Equal requests with their count: partner, address, route and result.

    ``first`` and ``last`` are microseconds, ``objects`` counts received or returned objects, ``reference`` is the id of
    the status resource or of the error. ``partner`` is None for an unauthenticated request.
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
    """An event and its place in the audit trail. Until it is sealed, its number is negative and its hash empty."""

    chain: str
    number: int
    event: AuditEvent
    hash: str


class BrokenChain(NamedTuple):
    """The first altered row of a chain, or the row after its end if rows were cut off."""

    chain: str
    number: int


class CheckedStep(NamedTuple):
    """The last checked row of a chain, its first broken row if any, and whether there may be ``more``."""

    number: int
    seal: bytes
    broken: list[BrokenChain]
    more: bool


def record(tx: Tx, events: Sequence[AuditEvent], chain: str = REQUESTS) -> None:
    """Add events to a chain and seal them in order. Others that seal wait for the end of this transaction."""
    number, hash_ = _locked(tx, chain)
    rows: list[dict[str, Any]] = []
    for number, event in enumerate(events, number + 1):  # noqa: B020 - it goes on from the chain's end
        hash_ = _seal(hash_, chain, number, _values(event))
        rows.append({"chain": chain, "number": number, **_fields(event), "hash": hash_})
    if rows:
        tx.execute(_ADD, rows)
        tx.execute(update(audit_ends).where(audit_ends.c.chain == chain).values(number=number, hash=hash_))


def record_unsealed(tx: Tx, events: Sequence[AuditEvent], chain: str = REQUESTS) -> None:
    """Add events to a chain without waiting. ``seal`` gives them their place shortly after."""
    for event in events:
        send(tx, _ADD, {"chain": chain, "number": -1 - secrets.randbits(62), **_fields(event), "hash": b""})


def record_act(
    tx: Tx,
    by: str,
    verb: str,
    what: str,
    *,
    partner: str | None = None,
    collection: str | None = None,
    status: int = 200,
    objects: int = 1,
    reference: str | None = None,
    chain: str = REQUESTS,
) -> None:
    """Record that ``by`` did ``verb`` to ``what``, in the transaction of the act itself. The event is sealed later.

    ``reference`` names the object of the act by an id, never by a value. ``by`` is the name of a person, a partner, a
    job or a feed, the address of a partner's program, ``HUB`` or ``VISITOR``. Raises ``RuntimeError`` without a name.
    """
    if not by:
        raise RuntimeError(f"the entry {verb} {what} of the audit trail needs its actor")
    moment = now()
    event = AuditEvent(moment, moment, 1, partner, by, verb, what, collection, status, objects, reference)
    record_unsealed(tx, [event], chain)


def gather(tx: Tx, events: Sequence[AuditEvent]) -> None:
    """Add events to the chain of requests. Equal events of one minute share a row."""
    rows: dict[int, AuditEvent] = {}
    for event in events:
        number = _number_in_minute(event)
        rows[number] = _together(rows[number], event) if number in rows else event
    if rows:
        added = [{"chain": REQUESTS, "number": number, **_fields(rows[number]), "hash": b""} for number in sorted(rows)]
        # Sorted by key, so that concurrent processes lock the rows in the same order.
        tx.execute(_GATHER_SQLITE if tx.dialect.name == "sqlite" else _GATHER_POSTGRESQL, added)


def unsealed_chains(tx: Tx) -> list[str]:
    """Return the names of the chains with events that can be sealed now."""
    return sorted(tx.execute(_UNSEALED, {"open_from": _open_minute()}).scalars())


def any_unsealed() -> Select[Any]:
    """Return the statement that finds the chains with events that can be sealed now."""
    return _UNSEALED.params(open_from=_open_minute())


def seal(tx: Tx, chain: str) -> int:
    """Seal waiting events onto the chain in the order of their beginning, at most some thousand.

    Return their number: 0 if none is left, or if another process is sealing them. Reads wait until their minute is
    over. Rows that another process is updating are left out.
    """
    end = _locked(tx, chain, waits=False)
    if end is None:
        return 0
    number, hash_ = end
    found = tx.execute(_SEALABLE, {"of_chain": chain, "open_from": _open_minute()}).all()
    sealed: list[dict[str, Any]] = []
    for number, row in enumerate(found, number + 1):  # noqa: B020 - it goes on from the chain's end
        hash_ = _seal(hash_, chain, number, list(row[1:]))
        sealed.append({"of_chain": chain, "unsealed": row[0], "place": number, "sealed": hash_})
    if sealed:
        tx.execute(_SEAL, sealed)
        tx.execute(update(audit_ends).where(audit_ends.c.chain == chain).values(number=number, hash=hash_))
    return len(sealed)


def verify(tx: Tx) -> list[BrokenChain]:
    """Recompute every chain from its beginning, or from the last row removed for its age.

    Return the first broken row of each broken chain, or an empty list. Unsealed events break nothing, because they have
    no place in the chain yet.
    """
    broken = []
    for chain in chains(tx):
        step = verify_step(tx, chain)
        while step.more:
            step = verify_step(tx, chain, step)
        broken += step.broken
    return broken + without_end(tx)


def verify_step(tx: Tx, chain: str, before: CheckedStep | None = None, most: int = _PAGE) -> CheckedStep:
    """Recompute the next ``most`` rows of a chain, after those of the step ``before``.

    A step may have its own transaction: rows added between steps are checked too, and rows removed for their age are
    skipped.
    """
    number, seal = _beginning(tx, chain)
    after = -1 if before is None else max(number, before.number)
    if before is not None and before.number >= number:
        number, seal = before.number, before.seal
    rows = tx.execute(_NEXT, {"of_chain": chain, "after": after, "most": most}).all()
    for number, row in enumerate(rows, number + 1):  # noqa: B020 - it goes on from the step before
        seal = _seal(seal, chain, number, list(row[1:-1]))
        if row[0] != number or row[-1] != seal:
            return CheckedStep(number, seal, [BrokenChain(chain, number)], more=False)
    if len(rows) == most:
        return CheckedStep(number, seal, [], more=True)
    end = tx.execute(select(audit_ends.c.number, audit_ends.c.hash).where(audit_ends.c.chain == chain)).first()
    is_whole = end is not None and (number, seal) == (end.number, end.hash)
    return CheckedStep(number, seal, [] if is_whole else [BrokenChain(chain, number + 1)], more=False)


def without_end(tx: Tx) -> list[BrokenChain]:
    """Return the chains that have rows but no end."""
    known = select(audit_ends.c.chain)
    loose = select(audit.c.chain).where(audit.c.chain.not_in(known), audit.c.number >= 0).distinct()
    return [BrokenChain(chain, 1) for chain in tx.execute(loose).scalars()]


def heads(tx: Tx) -> dict[str, ChainHead]:
    """Return the last entry of each chain, by the chain's name."""
    asked = select(audit_ends.c.chain, audit_ends.c.number, audit_ends.c.hash).order_by(audit_ends.c.chain)
    return {chain: ChainHead(number, hash_.hex()) for chain, number, hash_ in tx.execute(asked)}


def beginning(tx: Tx, chain: str) -> ChainHead:
    """Return the predecessor of a chain's first entry: zeros, or the last entry removed for its age."""
    number, hash_ = _beginning(tx, chain)
    return ChainHead(number, hash_.hex())


def sealed_entries(tx: Tx, chain: str) -> Iterator[AuditEntry]:
    """Yield the sealed entries of a chain in order."""
    for row in _rows(tx, chain):
        yield AuditEntry(chain, row[0], AuditEvent(*row[1:-1]), row[-1].hex())


def contradicted(tx: Tx, earlier: Mapping[str, ChainHead]) -> list[BrokenChain]:
    """Return the chains that do not continue from their ``earlier`` ends: they were rewritten or cut off.

    A chain is consistent if that entry was removed for its age.
    """
    found = []
    for chain, head in sorted(earlier.items()):
        number, hash_ = beginning(tx, chain)
        if number < head.number:
            asked = select(audit.c.hash).where(audit.c.chain == chain, audit.c.number == head.number)
            row = tx.execute(asked).first()
            number, hash_ = head.number, "" if row is None else row[0].hex()
        if number == head.number and hash_ != head.hash:
            found.append(BrokenChain(chain, head.number))
    return found


def forget(tx: Tx, chain: str, *, before: int) -> int:
    """Remove the oldest rows of a chain, those that ended ``before`` (microseconds), at most some thousand.

    Return their number; call again until it is 0. The chain stays valid: the last removed hash is kept, and an event
    records how many rows were removed and up to which hash. A row that breaks the chain stays, with all later rows.
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
        tx.execute(delete(audit).where(audit.c.chain == chain, audit.c.number.between(0, number)))
        tx.execute(delete(audit_starts).where(audit_starts.c.chain == chain))
        tx.execute(insert(audit_starts).values(chain=chain, number=number, hash=seal))
        moment, collection = now(), None if chain == REQUESTS else chain
        record(tx, [AuditEvent(moment, moment, 1, None, HUB, "FORGET", "audit", collection, 200, removed, seal.hex())])
    return removed


def chains(tx: Tx) -> list[str]:
    """List the names of all chains."""
    return list(tx.execute(select(audit_ends.c.chain).order_by(audit_ends.c.chain)).scalars())


def last_writes(tx: Tx) -> dict[str, AuditEvent]:
    """Return the last write of each collection by id, if it is still in the audit trail."""
    ends = (audit_ends.c.chain == audit.c.chain) & (audit_ends.c.number == audit.c.number)
    asked = select(audit.c.chain, *_COLUMNS).join(audit_ends, ends).where(audit.c.chain != REQUESTS)
    found = {row[0]: AuditEvent(*row[1:]) for row in tx.execute(asked)}
    for chain in unsealed_chains(tx):
        for _, *fields in tx.execute(_WAITING, {"of_chain": chain}) if chain != REQUESTS else ():
            event = AuditEvent(*fields)
            if chain not in found or found[chain].last <= event.last:
                found[chain] = event
    return found


def tail(tx: Tx, n: int) -> list[AuditEntry]:
    """Return the last ``n`` entries of the whole audit trail, the newest first."""
    order = (audit.c.first.desc(), audit.c.chain, audit.c.number.desc())
    asked = select(audit.c.chain, audit.c.number, *_COLUMNS, audit.c.hash).order_by(*order).limit(n)
    return [AuditEntry(row[0], row[1], AuditEvent(*row[2:-1]), row[-1].hex()) for row in tx.execute(asked)]


def since(tx: Tx, by: str, first: int) -> list[AuditEvent]:
    """Return the events by ``by`` that began at ``first`` (microseconds) or later, the newest first."""
    order = (audit.c.first.desc(), audit.c.chain, audit.c.number.desc())
    asked = select(*_COLUMNS).where(audit.c.remote == by, audit.c.first >= first).order_by(*order)
    return [AuditEvent(*row) for row in tx.execute(asked)]


def reads(tx: Tx, partner: str, collection: str, since: int, until: int, most: int) -> list[AuditEntry]:
    """Return the first entries of a partner's reads of a collection that overlap the time between two moments.

    Reads of one minute share one entry.
    """
    mine = (audit.c.chain == REQUESTS, audit.c.partner == partner, audit.c.collection == collection)
    within = (audit.c.first >= since - _MINUTE, audit.c.first <= until, audit.c.last >= since)
    read = (audit.c.method == "GET", audit.c.status < 400)
    asked = select(audit.c.chain, audit.c.number, *_COLUMNS, audit.c.hash).where(*mine, *within, *read)
    found = tx.execute(asked.order_by(audit.c.first, audit.c.number).limit(most))
    return [AuditEntry(row[0], row[1], AuditEvent(*row[2:-1]), row[-1].hex()) for row in found]


_COLUMNS = columns_of(AuditEvent, audit)
FIELDS = tuple(column.name for column in _COLUMNS)

# These run with every write or every two seconds, so they are built once.
_ADD = insert(audit)
_NEXT = (
    select(audit.c.number, *_COLUMNS, audit.c.hash)
    .where(audit.c.chain == bindparam("of_chain"), audit.c.number > bindparam("after", type_=BigInteger))
    .order_by(audit.c.number)
    .limit(bindparam("most", type_=BigInteger))
)
_WAITING = (
    select(audit.c.number, *_COLUMNS)
    .where(audit.c.chain == bindparam("of_chain"), audit.c.number < 0)
    .order_by(audit.c.first, audit.c.number)
    .limit(_PAGE)
)
_NOT_OPEN = or_(
    audit.c.chain != REQUESTS,
    and_(audit.c.method.not_in(READS), audit.c.route.not_in(READING_ROUTES)),
    audit.c.first < bindparam("open_from", type_=BigInteger),
)
# Rows that another process is updating wait for the next time; their hash would cover old values.
_SEALABLE = _WAITING.where(_NOT_OPEN).with_for_update(skip_locked=True)
_SEAL = (
    update(audit)
    .where(audit.c.chain == bindparam("of_chain"), audit.c.number == bindparam("unsealed", type_=BigInteger))
    .values(number=bindparam("place", type_=BigInteger), hash=bindparam("sealed", type_=LargeBinary))
)
# A chain has an end from its first seal on. Before that, it is the one of requests or of a writable collection.
_CHAINS = union(
    select(audit_ends.c.chain),
    select(collections.c.id).where(collections.c.kind.in_(("inbox", "exchange"))),
    select(literal(REQUESTS)),
).subquery()
_UNSEALED = select(_CHAINS.c[0]).where(exists().where(audit.c.chain == _CHAINS.c[0], audit.c.number < 0, _NOT_OPEN))


def _gathering(insertion: Any) -> Any:
    """Return the statement that adds a row, or adds its counts to the existing row."""
    new = insertion.excluded
    return insertion.on_conflict_do_update(
        index_elements=[audit.c.chain, audit.c.number],
        set_={
            "first": case((new.first < audit.c.first, new.first), else_=audit.c.first),
            "last": case((new.last > audit.c.last, new.last), else_=audit.c.last),
            "requests": audit.c.requests + new.requests,
            "objects": audit.c.objects + new.objects,
        },
    )


_GATHER_SQLITE = _gathering(sqlite.insert(audit))
_GATHER_POSTGRESQL = _gathering(postgresql.insert(audit))


def _number_in_minute(event: AuditEvent) -> int:
    """Return the negative number shared by all events that differ from this one only in their counts."""
    asked = (event.partner, event.remote, event.method, event.route, event.collection)
    same = (event.first // _MINUTE, *asked, event.status, event.reference)
    return -1 - (int.from_bytes(hashlib.blake2b(orjson.dumps(same), digest_size=8).digest(), "big") >> 2)


def _together(one: AuditEvent, other: AuditEvent) -> AuditEvent:
    return replace(
        one,
        first=min(one.first, other.first),
        last=max(one.last, other.last),
        requests=one.requests + other.requests,
        objects=one.objects + other.objects,
    )


def _open_minute() -> int:
    """Return the start of the period whose rows may still change. Later requests get a new row."""
    moment = now() - _LATE
    return moment - moment % _MINUTE


def _rows(tx: Tx, chain: str) -> Iterable[Sequence[Any]]:
    """Yield the rows of a chain in order, fetched some thousand at a time."""
    rows: Sequence[Sequence[Any]] = tx.execute(_NEXT, {"of_chain": chain, "after": -1, "most": _PAGE}).all()
    while rows:
        yield from rows
        rows = tx.execute(_NEXT, {"of_chain": chain, "after": rows[-1][0], "most": _PAGE}).all()


def _beginning(tx: Tx, chain: str) -> tuple[int, bytes]:
    """Return the number and the hash that the first row of a chain continues from."""
    row = tx.execute(select(audit_starts.c.number, audit_starts.c.hash).where(audit_starts.c.chain == chain)).first()
    return (row[0], row[1]) if row else (0, _START)


@overload
def _locked(tx: Tx, chain: str) -> tuple[int, bytes]: ...
@overload
def _locked(tx: Tx, chain: str, *, waits: Literal[False]) -> tuple[int, bytes] | None: ...
def _locked(tx: Tx, chain: str, *, waits: bool = True) -> tuple[int, bytes] | None:
    """Lock a chain's end and return its number and hash. Without ``waits``, return None if another holds it."""
    mine = select(audit_ends.c.number, audit_ends.c.hash).where(audit_ends.c.chain == chain)
    asked = mine.with_for_update(skip_locked=not waits)
    row = tx.execute(asked).first()
    if row is None and not waits and tx.execute(mine).first() is not None:
        return None
    if row is None:
        try:
            with tx.begin_nested():
                tx.execute(insert(audit_ends).values(chain=chain, number=0, hash=_START))
        except IntegrityError:
            # Another process began the chain at the same moment.
            pass
        row = tx.execute(mine.with_for_update()).one()
    return row[0], row[1]


def _fields(event: AuditEvent) -> dict[str, Any]:
    return dict(zip(FIELDS, _values(event), strict=True))


def _values(event: AuditEvent) -> list[Any]:
    return [getattr(event, name) for name in FIELDS]
