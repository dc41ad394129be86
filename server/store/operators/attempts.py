"""Passwords that are tried: counted over all nodes, by where they come from together with whom they are for.

A pair of address and name may have some wrong ones at once, and one more every few seconds; an address alone may have
more. So nobody elsewhere can make a person wait, and who guesses gets no further by asking another node. The store has
digests of both, for as long as they count: some minutes at most.
"""

import hmac
import ipaddress
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, bindparam, case, delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from server.store.database import sql
from server.store.database.engine import Tx
from server.store.hub_identity import secret
from server.store.operators.tables import login_attempts

_SECOND = 1_000_000
# An address of version 6 is one of the many that each of its holders has.
_NETWORK_BITS = 64
_a = login_attempts.c


class AttemptLimit(NamedTuple):
    """The number of attempts at once, and the microseconds after which there may be one more."""

    burst: int
    each: int


PAIR = AttemptLimit(10, 6 * _SECOND)
ADDRESS = AttemptLimit(100, _SECOND // 2)


def take(tx: Tx, remote: str, name: str) -> int:
    """Count a password for ``name`` from ``remote`` before it is looked at, and return 0.

    Where too many were wrong it is not counted; returns the microseconds to wait then.
    """
    return _take(tx, _key(tx, remote, name), PAIR) or _take(tx, _key(tx, remote), ADDRESS)


def give_back(tx: Tx, remote: str, name: str) -> None:
    """Count what ``take`` counted no more: the password was right."""
    tx.execute(delete(login_attempts).where(_a.key == _key(tx, remote, name)))
    of_address = update(login_attempts).where(_a.key == _key(tx, remote))
    tx.execute(of_address.values(until=_a.until - ADDRESS.each))


def wait(tx: Tx, remote: str, name: str) -> int:
    """Return the microseconds until a password for ``name`` from ``remote`` is looked at; only reads."""
    moment = sql.database_time(tx)
    limits = {_key(tx, remote, name): PAIR, _key(tx, remote): ADDRESS}
    found = tx.execute(select(_a.key, _a.until).where(_a.key.in_(list(limits)))).all()
    return max((_owed(limits[bytes(row.key)], row.until, moment) for row in found), default=0)


def are_over(tx: Tx) -> bool:
    """Return whether any attempts count no more."""
    return tx.execute(select(1).where(_a.until <= sql.database_time(tx)).limit(1)).first() is not None


def forget(tx: Tx, *, most: int = 1_000) -> int:
    """Remove attempts that count no more, the oldest first; returns their number."""
    over = select(_a.key).where(_a.until <= sql.database_time(tx)).order_by(_a.until).limit(most)
    return tx.execute(delete(login_attempts).where(_a.key.in_(over.scalar_subquery()))).rowcount


def count(tx: Tx) -> int:
    """Count the rows."""
    return tx.execute(select(func.count()).select_from(login_attempts)).scalar_one()


def _take(tx: Tx, key: bytes, limit: AttemptLimit) -> int:
    moment = sql.database_time(tx)
    statement = _COUNT_SQLITE if tx.dialect.name == "sqlite" else _COUNT_POSTGRESQL
    most = moment + (limit.burst - 1) * limit.each
    given = {"key": key, "until": moment + limit.each, "moment": moment, "most": most, "each": limit.each}
    if tx.execute(statement, given).first() is not None:
        return 0
    until = tx.execute(select(_a.until).where(_a.key == key)).scalar()
    return max(1, _owed(limit, until or moment, moment))


def _owed(limit: AttemptLimit, until: int, moment: int) -> int:
    return max(0, until - moment - (limit.burst - 1) * limit.each)


def _key(tx: Tx, remote: str, name: str | None = None) -> bytes:
    """Return the digest of an address, or of an address and a name, by a secret of the hub."""
    parts = [_network(remote)] if name is None else [_network(remote), name]
    return hmac.digest(secret(tx, "login-attempts"), "\0".join(parts).encode("utf-8", "replace"), "sha256")


def _network(remote: str) -> str:
    try:
        address = ipaddress.ip_address(remote)
    except ValueError:
        return remote
    if address.version == 4:
        return remote
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((int(address), _NETWORK_BITS), strict=False))


def _counting(insertion: Any) -> Any:
    """Return the statement that adds an attempt, or moves the row on; it changes nothing where too many are counted."""
    moment, most, each = (bindparam(name, type_=BigInteger) for name in ("moment", "most", "each"))
    begin = case((_a.until > moment, _a.until), else_=moment)
    added = insertion.values(key=bindparam("key"), until=bindparam("until"))
    counted = added.on_conflict_do_update(index_elements=[_a.key], set_={"until": begin + each}, where=_a.until <= most)
    return counted.returning(_a.key)


_COUNT_SQLITE = _counting(sqlite.insert(login_attempts))
_COUNT_POSTGRESQL = _counting(postgresql.insert(login_attempts))
