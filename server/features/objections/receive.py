"""Receive objections, independent of any listing, and tell their senders the progress.

An objection must not reveal anything that is not public. So listings are not looked up on receipt. For a value without
a public listing, the answer is always the same and comes on the promised day. It does not depend on whether the value
is listed elsewhere, was cleared, or was never listed.
"""

from typing import NamedTuple

import msgspec

from schemas import timestamp
from schemas.api.lookup import readings
from schemas.api.statements import (
    TEXTS,
    ObjectionAnswer,
    ObjectionProgress,
    ObjectionReceipt,
    ObjectionRequest,
    checked_contact,
)
from schemas.errors import Rejected
from server.features.objections import records as objections
from server.features.objections.contacts import Contacts
from server.features.objections.records import Objection, UnknownObjection
from server.features.objections.working_days import WorkingDays
from server.store.database.engine import Tx
from server.store.database.times import micros, moment, now


class CheckedObjection(NamedTuple):
    """The kind of the value of an objection, the names of all its readings, and its contact."""

    kind: str
    names: list[str]
    contact: str | None


class ReceivedObjection(NamedTuple):
    """The id of a stored objection, which its sender does not learn, and the receipt for the sender."""

    id: str
    receipt: ObjectionReceipt


def check(asked: ObjectionRequest, country: str, *, takes_contacts: bool) -> CheckedObjection:
    """Return what an objection is about. Raises ``Rejected``."""
    read = readings(asked.value, asked.kind, asked.details, country)
    contact = checked_contact(asked.contact)
    if contact is not None and not takes_contacts:
        raise Rejected("no-contacts", "contact: this hub stores none; leave it out, and keep the token")
    return CheckedObjection(read[0].kind, sorted({reading.name for reading in read}), contact)


def receive(
    tx: Tx, asked: ObjectionRequest, days: WorkingDays, contacts: Contacts | None, key: str = ""
) -> ReceivedObjection:
    """Store an objection, to be answered by the last of these working days. Raises ``Rejected``.

    Without ``contacts`` the hub has no key, and accepts no contact. A form with the same ``key`` and content is stored
    once.
    """
    checked = check(asked, days.country, takes_contacts=contacts is not None)
    if (sent := receipt_of_form(tx, asked, key, days)) is not None:
        return sent
    contact = checked.contact
    received, id_ = now(), objections.new_id()
    due = days.last_second(moment(received))
    new = Objection(
        id_,
        checked.kind,
        asked.ground,
        contacts.encrypt(contact, id_) if contact and contacts else None,
        objections.contact_digest(tx, contact) if contact else None,
        received,
        micros(due),
    )
    code = objections.code_of_form(tx, key, msgspec.json.encode(asked)) if key else ""
    token = objections.add(tx, new, checked.names, code)
    return ReceivedObjection(id_, ObjectionReceipt(token, timestamp.text(due), days.day_of(due)))


def receipt_of_form(tx: Tx, asked: ObjectionRequest, key: str, days: WorkingDays) -> ReceivedObjection | None:
    """Return the receipt of a form with this key and content that was sent before, or None."""
    if not key:
        return None
    code = objections.code_of_form(tx, key, msgspec.json.encode(asked))
    try:
        found = objections.by_token(tx, code)
    except UnknownObjection:
        return None
    due = moment(found.due)
    return ReceivedObjection(found.id, ObjectionReceipt(code, timestamp.text(due), days.day_of(due)))


def progress(tx: Tx, token: str, days: WorkingDays) -> ObjectionProgress:
    """Return the progress of an objection, as its sender may know it. Raises ``UnknownObjection``."""
    found = objections.by_token(tx, token)
    promised = moment(found.due)
    due = timestamp.text(promised), days.day_of(promised)
    answer = told(found, now())
    if answer is None:
        return ObjectionProgress("received", *due)
    return ObjectionProgress("answered", *due, answer, TEXTS[answer])


def told(found: Objection, at: int) -> ObjectionAnswer | None:
    """Return the answer that the sender of an objection may know at a moment; None if there is none yet."""
    if found.public:
        return ObjectionAnswer(found.answer) if found.answer else None
    return ObjectionAnswer.REVIEWED if at >= found.due else None
