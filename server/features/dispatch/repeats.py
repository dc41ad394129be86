"""Reports about names that are gone: they wait for no response, and are sent again if the name exists again."""

from collections.abc import Iterable

from server.features.dispatch import outbox, records
from server.features.dispatch.records import Dispatch
from server.store.database.engine import Tx

# A name that comes and goes causes this many repetitions of one report.
MOST_REPEATS = 5
_GONE = "already-gone"


def record_gone(tx: Tx, subjects: Iterable[str], at: int) -> list[str]:
    """Store that the hub saw that these values are gone, in each mailed report without a response; return their ids."""
    rows = [row for row in records.of_subjects(tx, subjects) if row.state == "mailed"]
    return [row.id for row in rows if records.change(tx, row, state="gone", response=_GONE, responded=at)]


def record_back(tx: Tx, subjects: Iterable[str], at: int) -> list[str]:
    """Ask again about values that exist again, where the report ended because they were gone; return the reports' ids.

    These are the reports that the hub itself ended, and those whose addressee answered so. Each addressee gets a mail
    in the thread of the report.
    """
    rows = [row for row in records.of_subjects(tx, subjects) if _is_ended_as_gone(row)]
    return [row.id for row in rows if _repeat(tx, row, at)]


def is_gone(tx: Tx, subjects: Iterable[str]) -> bool:
    """Return whether the hub ended a report about one of these values because it was gone."""
    return any(row.state == "gone" for row in records.of_subjects(tx, subjects))


def _is_ended_as_gone(row: Dispatch) -> bool:
    return row.state == "gone" or (row.state == "responded" and row.response == _GONE)


def _repeat(tx: Tx, row: Dispatch, at: int) -> bool:
    mail = outbox.find(tx, row.mail) if row.mail is not None else None
    to = {"state": "mailed", "response": None, "responded": None}
    number = 0 if mail is None else outbox.count_repeats(tx, mail.address, row.id)
    if mail is None or mail.state != "sent" or number >= MOST_REPEATS:
        return records.change(tx, row, **to)
    id_ = records.mail_id(tx, f"repeat {number}", [row])
    outbox.put(tx, mail.followed_by(id_, "repeat", row.id, at))
    return records.change(tx, row, mail=id_, **to)
