"""Earlier identities of accounts: a person with another address, or a new account, is still the same person.

Addresses and provider subjects are stored only as digests.
"""

import hashlib
import secrets
from typing import NamedTuple

from sqlalchemy import delete, insert, select

from server.store.database.engine import Tx
from server.store.database.times import now
from server.store.operators.tables import former_identities

_f = former_identities.c


class FormerIdentity(NamedTuple):
    """An earlier state of an account: its id, its normalised name, and digests of address and subject."""

    account: str
    plain_name: str
    address: bytes | None
    subject: bytes | None


def digest(text: str | None) -> bytes | None:
    """Return the digest for comparing an address or a subject."""
    return None if text is None else hashlib.sha256(text.encode()).digest()


def note(tx: Tx, account: str, plain_name: str, email: str | None, subject: str | None) -> None:
    """Record the identity of an account before it changes or is removed."""
    was = FormerIdentity(account, plain_name, digest(email), digest(subject))
    tx.execute(insert(former_identities), [{**was._asdict(), "id": secrets.token_hex(8), "until": now()}])


def kept(tx: Tx) -> list[FormerIdentity]:
    """Return the stored earlier identities."""
    asked = select(_f.account, _f.plain_name, _f.address, _f.subject)
    return [FormerIdentity(*row) for row in tx.execute(asked)]


def forget(tx: Tx, *, before: int) -> int:
    """Remove earlier identities recorded until ``before`` (microseconds)."""
    return tx.execute(delete(former_identities).where(_f.until < before)).rowcount
