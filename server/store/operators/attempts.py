"""Password attempts, counted over all nodes by their source address together with the user name.

A pair of address and name may have some wrong attempts at once, and one more every few seconds. An address alone may
have more. So attackers from other addresses cannot lock out a person, and guessing at another node does not help. The
store keeps digests of both while they count, which is some minutes at most.
"""

import hmac
import ipaddress
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, bindparam, case, delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from server.store.database import sql
from server.store.database.engine import Store, Tx
from server.store.hub_identity import secret
from server.store.operators.tables import login_attempts

_SECOND = 1_000_000
# Each holder of an IPv6 address has many addresses of one network.
_NETWORK_BITS = 64
_a = login_attempts.c


class AttemptLimit(NamedTuple):
    """The number of attempts at once, and the microseconds until another one is allowed."""

    burst: int
    each: int


PAIR = AttemptLimit(10, 6 * _SECOND)
ADDRESS = AttemptLimit(100, _SECOND // 2)


def take(tx: Tx, remote: str, name: str, door: str = "") -> int:
    """Count a password attempt for ``name`` from ``remote`` before it is verified, and return 0.

    If too many were wrong, do not count it, and return the microseconds to wait. Each ``door`` is counted separately.
    """
    return _take(tx, _key(tx, door, remote, name), PAIR) or _take(tx, _key(tx, door, remote), ADDRESS)


def give_back(tx: Tx, remote: str, name: str, door: str = "", *, was_right: bool = True) -> None:
    """Undo ``take``: the password was correct, which also clears the pair, or it was not verified."""
    of_pair = _a.key == _key(tx, door, remote, name)
    if was_right:
        tx.execute(delete(login_attempts).where(of_pair))
    else:
        tx.execute(update(login_attempts).where(of_pair).values(until=_a.until - PAIR.each))
    of_address = update(login_attempts).where(_a.key == _key(tx, door, remote))
    tx.execute(of_address.values(until=_a.until - ADDRESS.each))


def take_in_passing(store: Store, remote: str, name: str, door: str) -> int:
    """Count a password as ``take`` does, in a transaction of its own that waits for no long write."""
    with store.begin(in_passing=True) as tx:
        return take(tx, remote, name, door)


def give_back_in_passing(store: Store, remote: str, name: str, door: str, *, was_right: bool) -> None:
    """Give back an attempt as ``give_back`` does, in a transaction of its own that waits for no long write."""
    with store.begin(in_passing=True) as tx:
        give_back(tx, remote, name, door, was_right=was_right)


def wait(tx: Tx, remote: str, name: str) -> int:
    """Return the microseconds until a password for ``name`` from ``remote`` is verified. Only reads."""
    moment = sql.database_time(tx)
    limits = {_key(tx, "", remote, name): PAIR, _key(tx, "", remote): ADDRESS}
    found = tx.execute(select(_a.key, _a.until).where(_a.key.in_(list(limits)))).all()
    return max((_owed(limits[bytes(row.key)], row.until, moment) for row in found), default=0)


def are_over(tx: Tx) -> bool:
    """Return whether any attempts have expired."""
    return tx.execute(select(1).where(_a.until <= sql.database_time(tx)).limit(1)).first() is not None


def forget(tx: Tx, *, most: int = 1_000) -> int:
    """Remove expired attempts, the oldest first, and return their number."""
    over = select(_a.key).where(_a.until <= sql.database_time(tx)).order_by(_a.until).limit(most)
    return tx.execute(delete(login_attempts).where(_a.key.in_(over.scalar_subquery()))).rowcount


def count(tx: Tx) -> int:
    """Return the number of rows."""
    found: int = tx.execute(select(func.count()).select_from(login_attempts)).scalar_one()
    return found


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


def _key(tx: Tx, door: str, remote: str, name: str | None = None) -> bytes:
    """Return the digest of an address, or of an address and a name, at a door, with a secret of the hub."""
    parts = [f"{door} {_network(remote)}" if door else _network(remote)]
    parts += [] if name is None else [name]
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
    """Return the statement that adds an attempt or updates the row. It changes nothing if too many are counted."""
    moment, most, each = (bindparam(name, type_=BigInteger) for name in ("moment", "most", "each"))
    begin = case((_a.until > moment, _a.until), else_=moment)
    added = insertion.values(key=bindparam("key"), until=bindparam("until"))
    counted = added.on_conflict_do_update(index_elements=[_a.key], set_={"until": begin + each}, where=_a.until <= most)
    return counted.returning(_a.key)


_COUNT_SQLITE = _counting(sqlite.insert(login_attempts))
_COUNT_POSTGRESQL = _counting(postgresql.insert(login_attempts))
