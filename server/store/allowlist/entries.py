"""The stored allowlist that operators edit: each value with a reason, and an optional end."""

from typing import Any, NamedTuple

from sqlalchemy import delete, func, insert, select

from server.store.allowlist.tables import allowlist_entries
from server.store.database.engine import Tx
from server.store.database.times import now

# Each process keeps them in memory.
MOST = 20_000
_PAGE = 500
_e = allowlist_entries.c


class TooManyEntries(ValueError):
    """The allowlist has reached its maximum number of entries."""


class UnknownEntry(LookupError):
    """The allowlist has no such entry."""


class AllowlistEntry(NamedTuple):
    """A value whose reports are held for review until ``until`` (microseconds); None: forever.

    ``below``: every host below a domain, and every page on these, too.
    """

    subject: str
    below: bool
    reason: str
    added_by: str
    added: int
    until: int | None = None


def put(tx: Tx, entry: AllowlistEntry) -> None:
    """Store an entry, replacing one of the same value. Raises ``TooManyEntries``."""
    remove(tx, entry.subject)
    if tx.execute(select(func.count()).select_from(allowlist_entries)).scalar_one() >= MOST:
        raise TooManyEntries(f"there are {MOST} entries: remove some, or load them as a list (scamfeed lists update)")
    tx.execute(insert(allowlist_entries), [entry._asdict()])


def find(tx: Tx, subject: str) -> AllowlistEntry:
    """Return the entry of a value, even if it has expired. Raises ``UnknownEntry``."""
    row: Any = tx.execute(select(allowlist_entries).where(_e.subject == subject)).first()
    if row is None:
        raise UnknownEntry("the allowlist has no such entry")
    return AllowlistEntry(*row)


def remove(tx: Tx, subject: str) -> bool:
    """Remove the entry of a value, and return whether there was one."""
    return bool(tx.execute(delete(allowlist_entries).where(_e.subject == subject)).rowcount)


def page(tx: Tx, skip: int = 0, limit: int = 100) -> list[AllowlistEntry]:
    """Return entries in the order of their values, without the first ``skip``. There are at most ``MOST``."""
    asked = select(allowlist_entries).order_by(_e.subject).offset(skip).limit(limit)
    return [AllowlistEntry(*row) for row in tx.execute(asked)]


def all_current(tx: Tx) -> dict[str, AllowlistEntry]:
    """Return by subject the entries that have not expired."""
    asked = select(allowlist_entries).where(_e.until.is_(None) | (_e.until > now()))
    return {row.subject: AllowlistEntry(*row) for row in tx.execute(asked)}


def forget(tx: Tx, *, before: int) -> int:
    """Remove at most some hundred entries that ended ``before`` (microseconds), and return their number."""
    over = select(_e.subject).where(_e.until < before).limit(_PAGE)
    return tx.execute(delete(allowlist_entries).where(_e.subject.in_(over))).rowcount
