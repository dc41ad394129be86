"""Values whose listing changed: noted in the release transaction, and read once by each feature that follows them."""

from collections.abc import Iterable, Mapping

from sqlalchemy import bindparam, delete, select

from server.features.registries.tables import changed_listings
from server.store.database.engine import Tx
from server.store.database.sql import ManyRows

_c = changed_listings.c
_INSERT = "INSERT INTO changed_listings (reader, subject, noted)"
_ON_CONFLICT = "ON CONFLICT (reader, subject) DO UPDATE SET noted = excluded.noted"
_NOTE = ManyRows(
    " ".join((_INSERT, "VALUES (?, ?, ?)", _ON_CONFLICT)),
    " ".join((_INSERT, "SELECT * FROM unnest({arrays})", _ON_CONFLICT)),
    ("text", "text", "bigint"),
)
_ENDED = delete(changed_listings).where(
    _c.reader == bindparam("by"), _c.subject == bindparam("of_subject"), _c.noted == bindparam("at")
)


def note(tx: Tx, readers: Iterable[str], subjects: Iterable[str], at: int) -> None:
    """Let each reader look at these values."""
    wanted = sorted(set(subjects))
    _NOTE.run(tx, [(reader, subject, at) for reader in sorted(readers) for subject in wanted])


def noted(tx: Tx, reader: str, most: int) -> dict[str, int]:
    """Return at most ``most`` values that a reader has to look at, each with the moment of the note."""
    asked = select(_c.subject, _c.noted).where(_c.reader == reader).order_by(_c.noted, _c.subject).limit(most)
    return {row[0]: row[1] for row in tx.execute(asked)}


def done(tx: Tx, reader: str, seen: Mapping[str, int]) -> None:
    """End these notes, unless the value was noted again since."""
    if seen:
        tx.execute(_ENDED, [{"by": reader, "of_subject": subject, "at": at} for subject, at in sorted(seen.items())])
