"""The public keys that have signed this store's checkpoints. No other key may sign for it."""

from typing import NamedTuple

from sqlalchemy import insert, select, update

from server.store.database.engine import Tx
from server.store.database.times import now
from server.store.ledger.tables import ledger_keys


class KnownKey(NamedTuple):
    """A public key, when it began to sign, and until when it signs along with its successor; None: no successor."""

    key: str
    since: int
    until: int | None


def known(tx: Tx) -> list[KnownKey]:
    """Return the keys, the newest first."""
    asked = select(ledger_keys).order_by(ledger_keys.c.since.desc(), ledger_keys.c.key)
    return [KnownKey(*row) for row in tx.execute(asked)]


def add(tx: Tx, key: str) -> None:
    """Let a key sign from now on."""
    if tx.execute(select(ledger_keys.c.key).where(ledger_keys.c.key == key)).first() is None:
        tx.execute(insert(ledger_keys).values(key=key, since=now(), until=None))


def retire(tx: Tx, key: str, until: int) -> None:
    """Let a key sign until a moment, but not longer."""
    tx.execute(update(ledger_keys).where(ledger_keys.c.key == key).values(until=until))
