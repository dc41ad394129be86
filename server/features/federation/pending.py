"""Values to look at again: to release anew, or to publish this hub's own report of them."""

from collections.abc import Iterable

from sqlalchemy import bindparam, delete, select, text, true, update

from server.features.federation.tables import hub_pending
from server.store.database.engine import Tx
from server.store.database.sql import ManyRows
from server.store.database.times import now

_INSERT = "INSERT INTO hub_pending (subject, release, noted)"
# The release of a value that waits for it notes that its report is to be published: the moment stays, so that the note
# to release ends.
_ON_CONFLICT = (
    "ON CONFLICT (subject) DO UPDATE SET release = hub_pending.release OR excluded.release, noted = CASE"
    " WHEN hub_pending.release AND NOT excluded.release THEN hub_pending.noted ELSE excluded.noted END"
)


def note(tx: Tx, subjects: Iterable[str], *, release: bool) -> None:
    """Look at these values again; ``release`` them before this hub's own report is published."""
    moment = now()
    _NOTE.run(tx, [(subject, release, moment) for subject in sorted(set(subjects))])


def forget(tx: Tx, subjects: Iterable[str]) -> None:
    """Do not look at these values again."""
    wanted = [{"of_subject": subject} for subject in sorted(set(subjects))]
    if wanted:
        tx.execute(delete(hub_pending).where(hub_pending.c.subject == bindparam("of_subject")), wanted)


def note_origin(tx: Tx, origin: str) -> None:
    """Release again all values that an origin reports."""
    tx.execute(_NOTE_ORIGIN, {"of_origin": origin, "moment": now()})


def to_release(tx: Tx, most: int) -> dict[str, int]:
    """Return at most ``most`` values to release, each with the moment of the note."""
    asked = select(hub_pending.c.subject, hub_pending.c.noted).where(hub_pending.c.release == true())
    return {row[0]: row[1] for row in tx.execute(asked.order_by(hub_pending.c.noted).limit(most))}


def released(tx: Tx, noted: dict[str, int]) -> None:
    """Note that values were released, unless they were noted again since; this hub's own report is still to do."""
    statement = (
        update(hub_pending)
        .where(hub_pending.c.subject == bindparam("of_subject"), hub_pending.c.noted == bindparam("at"))
        .values(release=False)
    )
    if noted:
        tx.execute(statement, [{"of_subject": subject, "at": at} for subject, at in sorted(noted.items())])


_NOTE = ManyRows(
    " ".join((_INSERT, "VALUES (?, ?, ?)", _ON_CONFLICT)),
    " ".join((_INSERT, "SELECT * FROM unnest({arrays})", _ON_CONFLICT)),
    ("text", "boolean", "bigint"),
)
_OF_ORIGIN = "SELECT DISTINCT subject, true, CAST(:moment AS BIGINT) FROM hub_reports"
_NOTE_ORIGIN = text(" ".join((_INSERT, _OF_ORIGIN, "WHERE origin = :of_origin AND subject <> ''", _ON_CONFLICT)))
