"""Who this hub is: the identity in whose name it speaks, and its secret; others in every store."""

import hmac

from sqlalchemy import select, update

from mappers.identity import HubIdentity
from server.store.store import Tx
from server.store.tables_of_rules import hub
from server.store.times import now

__all__ = ["HubIdentity", "get", "identity", "name", "rename", "secret", "touch"]


def get(tx: Tx) -> HubIdentity:
    """Give the hub of this store; the migrations made it."""
    return HubIdentity(*tx.execute(_ASKED).one())


def identity(tx: Tx) -> str:
    """Give the id of the hub's identity."""
    return get(tx).identity


def name(tx: Tx) -> str:
    """Give what the hub calls itself."""
    return get(tx).name


def rename(tx: Tx, title: str) -> None:
    """Let the hub call itself ``title``; saying the same again changes nothing."""
    if get(tx).name != title:
        tx.execute(update(hub).values(name=title))
        touch(tx)


def touch(tx: Tx) -> None:
    """Note that something that the hub says of itself has changed: its identity has a new version."""
    tx.execute(update(hub).values(modified=max(now(), get(tx).modified + 1000)))


def secret(tx: Tx, use: str) -> bytes:
    """Give the hub's secret for one use: 32 bytes, the same on every node, from which no other use's follows.

    It is to be neither logged nor shown. It stays in the database, and so in its backups.
    """
    return hmac.digest(tx.execute(_SECRET).scalar_one(), use.encode(), "sha256")


_ASKED = select(hub.c.identity, hub.c.name, hub.c.created, hub.c.modified)
# Asked with many pages, so put together once.
_SECRET = select(hub.c.secret)
