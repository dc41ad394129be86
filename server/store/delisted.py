"""Values that this hub's operator found to be no scam's, by the names that all their spellings share."""

from collections.abc import Iterable

from sqlalchemy import delete, insert, select

from server.store.lists import any_of, chunks
from server.store.store import Tx
from server.store.tables_of_rules import delisted
from server.store.times import now


def note(tx: Tx, names: Iterable[str]) -> None:
    """Remember that the values of these names were found to be no scam's; repeating it changes nothing."""
    wanted = set(names)
    new = sorted(wanted - among(tx, wanted))
    if new:
        moment = now()
        tx.execute(insert(delisted), [{"name": name, "since": moment} for name in new])


def forget(tx: Tx, names: Iterable[str]) -> None:
    """Let reports of the values of these names be heard again."""
    for chunk in chunks(sorted(set(names))):
        tx.execute(delete(delisted).where(any_of(tx, delisted.c.name, chunk)))


def among(tx: Tx, names: Iterable[str]) -> set[str]:
    """Return those of the names that were found to be no scam's."""
    found: set[str] = set()
    for chunk in chunks(sorted(set(names))):
        found.update(row[0] for row in tx.execute(select(delisted.c.name).where(any_of(tx, delisted.c.name, chunk))))
    return found


def has_any(tx: Tx) -> bool:
    """Tell whether there is any such value."""
    return tx.execute(select(delisted.c.name).limit(1)).first() is not None
