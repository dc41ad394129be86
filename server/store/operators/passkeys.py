"""Passkeys: the data to verify their signatures, and the names given by their owners."""

from typing import NamedTuple

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from server.store.database.engine import Tx
from server.store.database.times import now
from server.store.operators.tables import passkeys
from server.store.operators.users import locked

MOST = 10
_p = passkeys.c


class PasskeyRefused(ValueError):
    """The passkey is already registered, or the user has the maximum number."""


class Passkey(NamedTuple):
    """A passkey of a user; ``signatures`` is its signature counter, 0 if it has none.

    Moments are microseconds; ``used`` is None before its first signature.
    """

    id: bytes
    user: str
    name: str
    public_key: bytes
    signatures: int
    created: int
    used: int | None = None


def add(tx: Tx, id_: bytes, user: str, name: str, public_key: bytes, signatures: int) -> None:
    """Add a passkey to a user. Raises ``PasskeyRefused``."""
    locked(tx, user)
    if tx.execute(select(func.count()).select_from(passkeys).where(_p.user == user)).scalar_one() >= MOST:
        raise PasskeyRefused(f"a user can have at most {MOST} passkeys")
    row = Passkey(id_, user, name, public_key, signatures, now())
    try:
        with tx.begin_nested():
            tx.execute(insert(passkeys), [row._asdict()])
    except IntegrityError:
        raise PasskeyRefused("the passkey is already registered") from None


def of_user(tx: Tx, user: str) -> list[Passkey]:
    """Return the passkeys of a user, the oldest first."""
    asked = select(passkeys).where(_p.user == user).order_by(_p.created, _p.id)
    return [Passkey._make(row) for row in tx.execute(asked)]


def use(tx: Tx, id_: bytes, signatures: int) -> None:
    """Record a signature of a passkey, and its new counter."""
    tx.execute(update(passkeys).where(_p.id == id_).values(signatures=signatures, used=now()))


def remove(tx: Tx, user: str, id_: bytes) -> bool:
    """Remove a passkey of a user. Return False if the user has none with that id."""
    return bool(tx.execute(delete(passkeys).where(_p.id == id_, _p.user == user)).rowcount)
