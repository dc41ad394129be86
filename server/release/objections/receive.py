"""Receive objections, the same way whatever is listed, and tell who objects how far they have come.

Nothing that is not public may be learnt from an objection. So what is listed is not looked up when one is received; and
of a value that is listed nowhere for everybody to see, the answer is the same and comes at the same time, on the day
that was promised, whether it is listed elsewhere, was cleared, or never was listed.
"""

from schemas import timestamp
from schemas.api.lookup import readings
from schemas.api.objection import (
    TEXTS,
    ObjectionAnswer,
    ObjectionProgress,
    ObjectionReceipt,
    ObjectionRequest,
    checked_contact,
    working_days_after,
)
from schemas.errors import Rejected
from server.release.objections.contacts import Contacts
from server.store import audit
from server.store.audit import AuditEvent
from server.store.database.engine import Tx
from server.store.database.times import micros, moment, now
from server.store.objections import objections
from server.store.objections.objections import Objection


def receive(tx: Tx, asked: ObjectionRequest, days: int, contacts: Contacts | None) -> ObjectionReceipt:
    """Store an objection, to be answered within so many working days. Raises ``Rejected``.

    Without ``contacts`` the hub has no key, and takes no contact.
    """
    read = readings(asked.value, asked.kind, asked.details)
    contact = checked_contact(asked.contact)
    if contact is not None and contacts is None:
        raise Rejected("no-contacts", "contact: this hub keeps none; leave it out, and keep the token")
    received, id_ = now(), objections.new_id()
    due = working_days_after(moment(received), days)
    new = Objection(
        id_,
        read[0].kind,
        asked.ground,
        contacts.encrypt(contact, id_) if contact and contacts else None,
        objections.contact_digest(tx, contact) if contact else None,
        received,
        micros(due),
    )
    token = objections.add(tx, new, sorted({reading.name for reading in read}))
    audit.record_unsealed(tx, [AuditEvent(received, received, 1, None, "", "OBJECT", "objection", None, 200, 1, id_)])
    return ObjectionReceipt(token, timestamp.text(due))


def progress(tx: Tx, token: str) -> ObjectionProgress:
    """Return how far an objection has come, as who follows it may know. Raises ``UnknownObjection``."""
    found = objections.by_token(tx, token)
    due = timestamp.text(moment(found.due))
    answer = _told(found, now())
    if answer is None:
        return ObjectionProgress("received", due)
    return ObjectionProgress("answered", due, answer, TEXTS[answer])


def _told(found: Objection, at: int) -> ObjectionAnswer | None:
    if found.public:
        return ObjectionAnswer(found.answer) if found.answer else None
    return ObjectionAnswer.REVIEWED if at >= found.due else None
