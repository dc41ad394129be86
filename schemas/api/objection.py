"""Objections: what anybody may state against a listing of a value of theirs, and what they read of it."""

from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from typing import Annotated

import msgspec

from schemas.errors import Rejected
from schemas.report import MAX_VALUE

LONGEST_CONTACT = 200
_FRIDAY = 5


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
    """The answer to an objection: of what anybody may know, whether it was cleared or stays; else that it was seen to.

    ``reviewed`` is the same whether the value is listed where few may read it, was taken back there, or never was.
    """

    CLEARED = "cleared"
    STAYS = "stays"
    REVIEWED = "reviewed"


class UpholdReason(StrEnum):
    """Why a listing stays."""

    KEEPER_CONFIRMS = "keeper-confirms"
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
    """The receipt of an objection: the token by which the objection is followed, and by when it is answered."""

    token: str
    due: str


class ObjectionProgress(msgspec.Struct, frozen=True, omit_defaults=True):
    """The progress of an objection; ``text`` has the answer by language."""

    state: str
    due: str
    answer: ObjectionAnswer | None = None
    text: dict[str, str] = {}


# For people, in English and Thai. None of them tells who reported, or what else is listed.
TEXTS: dict[ObjectionAnswer, dict[str, str]] = {
    ObjectionAnswer.CLEARED: {
        "en": "We looked at your objection. The entry has been taken back, and everybody who had it has been told.",
        "th": "เราตรวจสอบคำคัดค้านของท่านแล้ว รายการนี้ถูกถอนออก และแจ้งผู้ที่ได้รับข้อมูลทุกรายแล้ว",
    },
    ObjectionAnswer.STAYS: {
        "en": "We looked at your objection. The entry stays. You may complain to the authority that supervises us.",
        "th": "เราตรวจสอบคำคัดค้านของท่านแล้ว รายการนี้ยังคงอยู่ ท่านมีสิทธิร้องเรียนต่อหน่วยงานที่กำกับดูแลเรา",
    },
    ObjectionAnswer.REVIEWED: {
        "en": (
            "We looked at your objection. If anything was wrong, it has been put right. What is not public we tell "
            "nobody, whether there is anything or not. If a bank or a platform holds something against you, ask it."
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


def working_days_after(moment: datetime, days: int) -> datetime:
    """Return the end of the day, so many working days after a moment; no holidays are known."""
    day = moment.astimezone(UTC).date()
    while days > 0:
        day += timedelta(days=1)
        days -= day.weekday() < _FRIDAY
    return datetime.combine(day + timedelta(days=1), time(), UTC)
