"""Who this hub is: the identity in whose name it speaks, another one in every store."""

from sqlalchemy import select, update

from mappers.identity import Hub
from server.store.store import Tx
from server.store.tables_of_rules import hub
from server.store.times import now

__all__ = ["Hub", "get", "identity", "name", "rename", "touch"]


def get(tx: Tx) -> Hub:
    """Give the hub of this store; the migrations made it."""
    return Hub(*tx.execute(_ASKED).one())


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


_ASKED = select(hub.c.identity, hub.c.name, hub.c.created, hub.c.modified)
