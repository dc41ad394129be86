"""Referrals of coerced account holders as STIX notes, as those concerned read them; nothing tells of the person."""

from datetime import datetime
from typing import Any, NamedTuple

from mappers import extension, ids, labels, marking
from schemas import timestamp
from schemas.vocabulary import ReferralAnswer, Tlp

_TEXT = ("Referred for protection", "ส่งต่อเพื่อรับความคุ้มครอง")
_WAITS = ("no answer yet", "ยังไม่มีคำตอบ")
_ANSWERS = {
    ReferralAnswer.ACCEPTED: ("accepted", "รับเรื่องแล้ว"),
    ReferralAnswer.IN_CONTACT: ("in contact", "ติดต่อได้แล้ว"),
    ReferralAnswer.PROTECTED: ("protected", "ได้รับความคุ้มครองแล้ว"),
    ReferralAnswer.DECLINED: ("declined", "ไม่รับเรื่อง"),
    ReferralAnswer.NOT_REACHED: ("not reached", "ติดต่อไม่ได้"),
    ReferralAnswer.NOT_COERCED: ("not coerced", "ไม่พบว่าถูกบังคับ"),
}


class ReferralView(NamedTuple):
    """A referral as one of those concerned may see it.

    ``role`` is ``referrer`` or ``focal-point``. ``listing`` is None where the reader may not read the listing.
    """

    id: str
    role: str
    organisation: str
    at: datetime
    listing: str | None = None
    answer: ReferralAnswer | None = None
    answered: datetime | None = None

    def written(self) -> dict[str, Any]:
        """Return the view as the extension has it."""
        texts: dict[str, Any] = {"id": self.id, "role": self.role, "listing": self.listing}
        texts |= {"organisation": self.organisation, "at": timestamp.text(self.at), "answer": self.answer}
        texts["answered"] = timestamp.text(self.answered) if self.answered else None
        return {name: str(text) for name, text in texts.items() if text is not None}


def published(view: ReferralView, hub: str) -> dict[str, Any]:
    """Return the note that the reader of ``view`` reads; ``hub`` is an identity."""
    english, thai = _ANSWERS[view.answer] if view.answer else _WAITS
    return {
        "type": "note",
        "spec_version": "2.1",
        "id": "note--" + ids.in_scamfeed({"type": "referral", "id": view.id}),
        "created_by_ref": hub,
        "created": timestamp.text(view.at),
        "modified": timestamp.text(view.answered or view.at),
        "abstract": f"{_TEXT[0]}: {english}",
        "content": f"{_TEXT[0]}: {english} / {_TEXT[1]}: {thai}",
        "object_refs": [view.listing or hub],
        "labels": labels.of({"referral": view.answer or "open"}),
        "object_marking_refs": [marking.ref(Tlp.AMBER_STRICT)],
        "extensions": {extension.ID: extension.build(referred=view.written())},
    }
