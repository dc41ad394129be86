"""The JSON in which partners send findings and outcomes and people object to listings, and the JSON of the answers."""

from enum import StrEnum
from typing import Annotated

import msgspec

from schemas.api.lookup import RefusedValue
from schemas.errors import Rejected
from schemas.report import MAX_VALUE
from schemas.vocabulary import OutcomeWord, QualificationCode

MOST_ANSWERS = 100
_CODES = "One of: " + ", ".join(QualificationCode) + "."


class AccountAnswer(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """An answer about a ``value`` in any spelling that a report may have, or about a ``listing``, by its id.

    ``details`` are the columns of the value's kind, as ``bank``. ``note`` is for the hub's operator, and names no
    person.
    """

    code: Annotated[str, msgspec.Meta(max_length=40, description=_CODES)]
    value: str | None = None
    kind: str | None = None
    details: dict[str, str] = {}
    listing: str | None = None
    note: Annotated[str, msgspec.Meta(max_length=2_000)] | None = None
    reference: Annotated[str, msgspec.Meta(max_length=200)] | None = None


class AccountAnswersRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The answers of one request."""

    answers: Annotated[list[AccountAnswer], msgspec.Meta(min_length=1, max_length=MOST_ANSWERS)]


class AccountAnswerResult(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The result of one answer: it counts, unless there is an ``error`` or it is ``held`` for a person."""

    code: str
    listing: str | None = None
    answer: str | None = None
    held: str | None = None
    error: RefusedValue | None = None


class AccountAnswersResponse(msgspec.Struct, frozen=True):
    """The results in the order in which the answers were given."""

    answers: list[AccountAnswerResult]


class StatedOutcome(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The partner's action about a ``value`` in any spelling, or about a ``listing`` by its id.

    ``details`` are the columns of the value's kind, as ``bank``. ``at`` is when it began, ``until`` the end of a block
    or a hold. Without ``currency`` the ``amount`` is in the currency of the partner's country.
    """

    outcome: Annotated[str, msgspec.Meta(max_length=40, description="One of: " + ", ".join(OutcomeWord) + ".")]
    listing: str | None = None
    value: str | None = None
    kind: str | None = None
    details: dict[str, str] = {}
    at: str | None = None
    until: str | None = None
    amount: Annotated[str, msgspec.Meta(max_length=40)] | int | float | None = None
    currency: str | None = None
    count: int | None = None
    victims: int | None = None
    reason: Annotated[str, msgspec.Meta(max_length=100)] | None = None
    note: Annotated[str, msgspec.Meta(max_length=2_000)] | None = None
    reference: Annotated[str, msgspec.Meta(max_length=200)] | None = None
    tlp: str | None = None


MOST_OUTCOMES = 1_000


class StatedOutcomes(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The outcomes of one request; a single one may also be the whole body."""

    outcomes: Annotated[list[StatedOutcome], msgspec.Meta(min_length=1, max_length=MOST_OUTCOMES)]


class OutcomeResult(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The result of one outcome: the ids of its objects, unless there is an ``error`` or it is ``held`` for a person.

    A value that is listed under several ids has an object for each.
    """

    outcome: str
    ids: list[str] = []
    held: str | None = None
    error: RefusedValue | None = None


class OutcomeResults(msgspec.Struct, frozen=True):
    """The results in the order in which the outcomes were given."""

    outcomes: list[OutcomeResult]


class OwnOutcome(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An outcome that the partner sent: its id, time of arrival and content."""

    id: str
    added: str
    outcome: str
    listings: list[str]
    reported_at: str
    at: str | None = None
    until: str | None = None
    amount: str | None = None
    currency: str | None = None
    count: int | None = None
    victims: int | None = None
    reason: str | None = None
    reference: str | None = None


class OwnOutcomes(msgspec.Struct, frozen=True, omit_defaults=True):
    """Outcomes in the order of arrival; ``next`` leads to the next page, and is missing on the last."""

    outcomes: list[OwnOutcome]
    next: str | None = None


LONGEST_CONTACT = 200


class Ground(StrEnum):
    """Why somebody objects; a closed list, as nothing about a person is to be kept."""

    NOT_INVOLVED = "not-involved"
    NUMBER_REASSIGNED = "number-reassigned"
    OWN_BUSINESS = "own-business"
    OTHER_VALUE = "other-value"
    IMPERSONATED = "impersonated"
    HACKED = "hacked"
    PAID_BACK = "paid-back"
    OTHER = "other"


class ObjectionAnswer(StrEnum):
    """The answer to an objection: for public listings whether it was cleared or stays; for others only ``reviewed``.

    ``reviewed`` does not reveal whether the value is listed for few readers, was delisted there, or was never listed.
    """

    CLEARED = "cleared"
    STAYS = "stays"
    REVIEWED = "reviewed"


class UpholdReason(StrEnum):
    """Why a listing stays."""

    PROVIDER_CONFIRMS = "keeper-confirms"
    AUTHORITY_CONFIRMS = "authority-confirms"
    SEVERAL_REPORTS = "several-reports"
    COURT_ORDER = "court-order"
    NOT_THE_HOLDER = "not-the-holder"
    OTHER = "other"


class ObjectionRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An objection: the value in any spelling, why, and how to reach who objects, which is erased at the end.

    ``details`` are the columns of the value's kind, as ``bank``.
    """

    value: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_VALUE)]
    ground: Ground
    kind: str | None = None
    details: dict[str, str] = {}
    contact: Annotated[str, msgspec.Meta(max_length=LONGEST_CONTACT)] | None = None


class ObjectionReceipt(msgspec.Struct, frozen=True):
    """The receipt of an objection: the token by which the objection is followed, and by when it is answered.

    ``due_on`` is the day of ``due`` in the hub's time zone: a working day of its country.
    """

    token: str
    due: str
    due_on: str


class ObjectionProgress(msgspec.Struct, frozen=True, omit_defaults=True):
    """The progress of an objection; ``text`` has the answer by language."""

    state: str
    due: str
    due_on: str
    answer: ObjectionAnswer | None = None
    text: dict[str, str] = {}


# For people, in English and Thai. No text reveals the reporter, or other listings.
TEXTS: dict[ObjectionAnswer, dict[str, str]] = {
    ObjectionAnswer.CLEARED: {
        "en": "We looked at your objection. The entry has been removed, and its recipients have been informed.",
        "th": "เราตรวจสอบคำคัดค้านของท่านแล้ว รายการนี้ถูกถอนออก และแจ้งผู้ที่ได้รับข้อมูลทุกรายแล้ว",
    },
    ObjectionAnswer.STAYS: {
        "en": "We looked at your objection. The entry stays. You may complain to the authority that supervises us.",
        "th": "เราตรวจสอบคำคัดค้านของท่านแล้ว รายการนี้ยังคงอยู่ ท่านมีสิทธิร้องเรียนต่อหน่วยงานที่กำกับดูแลเรา",
    },
    ObjectionAnswer.REVIEWED: {
        "en": (
            "We looked at your objection. If anything was wrong, it has been put right. We do not "
            "disclose entries that are not public. If a bank or a platform holds something against you, ask it."
        ),
        "th": (
            "เราตรวจสอบคำคัดค้านของท่านแล้ว หากมีสิ่งใดไม่ถูกต้อง ได้แก้ไขแล้ว ข้อมูลที่ไม่เปิดเผยต่อสาธารณะเราไม่แจ้งผู้ใด "
            "ไม่ว่าจะมีหรือไม่มี หากธนาคารหรือแพลตฟอร์มระงับบัญชีของท่าน โปรดสอบถามที่นั่น"
        ),
    },
}


def checked_contact(contact: str | None) -> str | None:
    """Return a contact as one line, None for none. Raises ``Rejected``."""
    if contact is None or not contact.strip():
        return None
    if not contact.isprintable():
        raise Rejected(
            "bad-contact", "contact: give one line, an e-mail address or a telephone number, no other characters"
        )
    return contact.strip()
