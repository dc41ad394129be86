"""Follow up a delisting: tell the addressees of a listing that the hub no longer stands by its report."""

from server.features.dispatch import outbox, records
from server.features.dispatch.outbox import DispatchMail
from server.features.dispatch.records import Dispatch
from server.store.database.engine import Tx

# Nothing was sent: the report ends.
_UNSENT = frozenset(("lookup", "ready", "form", "unknown", "bad", "same"))
_TOLD = frozenset(("mailed", "gone", "responded", "bad", "closed"))


def correct(tx: Tx, listing: str, at: int) -> list[str]:
    """Withdraw the reports of a delisted listing in this transaction, and return the ids of the follow-up mails.

    Each addressee that was sent the report, or may have been, gets one mail in the same thread; it names the hub's
    reference and no value. Reports that were not sent end. A second call changes nothing, and returns the same ids.
    """
    made = []
    for row in records.of_listing(tx, listing):
        mail = outbox.find(tx, row.mail) if row.mail is not None else None
        if mail is not None and _may_have_arrived(mail) and row.state in (*_TOLD, "corrected"):
            made.append(_follow_up(tx, row, mail, at))
        elif row.state in _UNSENT or row.state in _TOLD:
            records.change(tx, row, state="ended")
    return made


def state_of(tx: Tx, mail: str) -> str | None:
    """Return the state of a follow-up mail by its id: ``waiting``, ``sent`` or ``failed``; None for another id."""
    found = outbox.find(tx, mail)
    return None if found is None or found.purpose != "correction" else found.state


def _may_have_arrived(mail: DispatchMail) -> bool:
    """Return whether a mail with the report may have arrived: before a repeat one did."""
    return (
        mail.purpose == "repeat" or mail.state == "sent" or (mail.state in ("waiting", "failed") and mail.attempts > 0)
    )


def _follow_up(tx: Tx, row: Dispatch, mail: DispatchMail, at: int) -> str:
    id_ = records.mail_id(tx, "correction", [row])
    outbox.put(tx, mail.followed_by(id_, "correction", row.id, at))
    records.change(tx, row, state="corrected")
    return id_
