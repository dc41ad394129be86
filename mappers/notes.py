"""Notes of a hub to one partner: feedback on contributions, referrals of coerced holders, and requests."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any, NamedTuple

from mappers import extension, ids, marking
from mappers.records import PLAIN_OF_REQUEST, REQUESTS, subject_of_request
from schemas import timestamp
from schemas.fields import plain_amount
from schemas.records import Feedback, FeedbackEvent
from schemas.request import Request, RequestState, RequestWord
from schemas.takedown import location_sha256
from schemas.vocabulary import ReferralAnswer, Tlp

_NO_REFERENCES: Mapping[str, str] = MappingProxyType({})
# Texts for people, in English and Thai.
_FEEDBACK = {
    FeedbackEvent.RELEASED: ("Published to the partners concerned", "เผยแพร่ให้ผู้เกี่ยวข้องแล้ว"),
    FeedbackEvent.CORROBORATED: ("Also reported by another partner", "มีพันธมิตรรายอื่นรายงานด้วย"),
    FeedbackEvent.SIGHTED: ("Seen by another partner", "พันธมิตรรายอื่นพบเห็น"),
    FeedbackEvent.ACTED_ON: ("Another partner acted on it", "พันธมิตรรายอื่นดำเนินการแล้ว"),
    FeedbackEvent.DISPUTED: ("Another partner calls it a false positive", "พันธมิตรรายอื่นเห็นว่าเป็นการแจ้งผิด"),
    FeedbackEvent.RETRACTED: ("Retracted everywhere", "ถอนออกจากทุกแห่งแล้ว"),
    FeedbackEvent.APPROVED: ("Reviewed and approved", "ตรวจสอบแล้ว ให้ผ่าน"),
    FeedbackEvent.REFUSED: ("Reviewed and refused", "ตรวจสอบแล้ว ไม่ให้ผ่าน"),
    FeedbackEvent.UPHELD: ("Disputed, reviewed and upheld: it stays listed", "มีผู้โต้แย้ง ตรวจสอบแล้ว ยังคงอยู่ในรายการ"),
    FeedbackEvent.DELISTED: (
        "Disputed, reviewed and delisted everywhere",
        "มีผู้โต้แย้ง ตรวจสอบแล้ว ถอนออกจากรายการทุกแห่ง",
    ),
    FeedbackEvent.OVERRULED: (
        "Your dispute was reviewed and overruled: it stays listed",
        "ตรวจสอบข้อโต้แย้งของท่านแล้ว ยังคงอยู่ในรายการ",
    ),
    FeedbackEvent.QUALIFIED: ("The provider reported a finding", "สถาบันที่ดูแลบัญชีนี้ตอบกลับแล้ว"),
    FeedbackEvent.REQUESTED: ("You have received a request", "มีคำขอถึงท่าน"),
    FeedbackEvent.ANSWERED: ("A response has arrived", "ได้รับคำตอบแล้ว"),
}


def feedback_note(
    hub: str,
    partner: str,
    feedback: Feedback,
    refs: Sequence[str],
    at: str,
    references: Mapping[str, str] = _NO_REFERENCES,
) -> dict[str, Any]:
    """Return the note of ``hub`` to ``partner`` (identities) about its objects ``refs``.

    It identifies no other partner, only its kind. ``references`` are the partner's own references of these objects, by
    their ids.
    """
    context = {name: str(word) for name, word in feedback._asdict().items() if word}
    english, thai = _FEEDBACK[feedback.event]
    own = {ref: references[ref] for ref in dict.fromkeys(refs) if ref in references}
    shown = {**context, **({"reference": own[refs[0]]} if len(refs) == 1 and own else {})}
    more = ", ".join(f"{name.replace('_', ' ')}: {word}" for name, word in shown.items() if name != "event")
    return {
        "type": "note",
        "spec_version": "2.1",
        "id": "note--" + ids.in_scamfeed({"type": "note", "to": partner, "at": at, "refs": list(refs), **context}),
        "created_by_ref": hub,
        "created": at,
        "modified": at,
        "abstract": english,
        "content": f"{english} / {thai}" + (f" ({more})" if more else ""),
        "object_refs": list(refs),
        "labels": extension.labels_of({"feedback": feedback.event}),
        "object_marking_refs": [marking.ref(Tlp.AMBER_STRICT)],
        "extensions": {
            extension.ID: extension.build(
                feedback={**context, "at": at, "count": len(refs), **({"references": own} if own else {})}
            )
        },
    }


_REFERRAL = ("Referred for protection", "ส่งต่อเพื่อรับความคุ้มครอง")
_REFERRAL_WAITS = ("no answer yet", "ยังไม่มีคำตอบ")
_REFERRAL_ANSWERS = {
    ReferralAnswer.ACCEPTED: ("accepted", "รับเรื่องแล้ว"),
    ReferralAnswer.IN_CONTACT: ("in contact", "ติดต่อได้แล้ว"),
    ReferralAnswer.PROTECTED: ("protected", "ได้รับความคุ้มครองแล้ว"),
    ReferralAnswer.DECLINED: ("declined", "ไม่รับเรื่อง"),
    ReferralAnswer.NOT_REACHED: ("not reached", "ติดต่อไม่ได้"),
    ReferralAnswer.NOT_COERCED: ("not coerced", "ไม่พบว่าถูกบังคับ"),
}


class ReferralView(NamedTuple):
    """A referral from the view of one of its parties.

    ``role`` is ``referrer`` or ``focal-point``. ``listing`` is None if the reader may not read the listing.
    """

    id: str
    role: str
    organisation: str
    at: datetime
    listing: str | None = None
    answer: ReferralAnswer | None = None
    answered: datetime | None = None

    def written(self) -> dict[str, Any]:
        """Return the view in the form of the extension."""
        texts: dict[str, Any] = {"id": self.id, "role": self.role, "listing": self.listing}
        texts |= {"organisation": self.organisation, "at": timestamp.text(self.at), "answer": self.answer}
        texts["answered"] = timestamp.text(self.answered) if self.answered else None
        return {name: str(text) for name, text in texts.items() if text is not None}


def referral_note(view: ReferralView, hub: str) -> dict[str, Any]:
    """Return the note that the reader of ``view`` reads; ``hub`` is an identity."""
    english, thai = _REFERRAL_ANSWERS[view.answer] if view.answer else _REFERRAL_WAITS
    return {
        "type": "note",
        "spec_version": "2.1",
        "id": "note--" + ids.in_scamfeed({"type": "referral", "id": view.id}),
        "created_by_ref": hub,
        "created": timestamp.text(view.at),
        "modified": timestamp.text(view.answered or view.at),
        "abstract": f"{_REFERRAL[0]}: {english}",
        "content": f"{_REFERRAL[0]}: {english} / {_REFERRAL[1]}: {thai}",
        "object_refs": [view.listing or hub],
        "labels": extension.labels_of({"referral": view.answer or "open"}),
        "object_marking_refs": [marking.ref(Tlp.AMBER_STRICT)],
        "extensions": {extension.ID: extension.build(referred=view.written())},
    }


_STATES = {
    RequestState.HELD: ("held by the hub, nothing is asked yet", "ศูนย์กลางพักคำขอไว้ตรวจสอบ จึงยังไม่ต้องดำเนินการ"),
    RequestState.UNCONFIRMED: ("unconfirmed, nothing is asked yet", "ผู้ส่งคำขอยังไม่ยืนยัน จึงยังไม่ต้องดำเนินการ"),
    RequestState.OPEN: ("open", "รอดำเนินการ"),
    RequestState.ACKNOWLEDGED: ("acknowledged", "รับทราบแล้ว"),
    RequestState.AGREED: ("agreed", "ตกลงดำเนินการ"),
    RequestState.DISAGREED: ("disagreed", "ไม่ตกลงดำเนินการ"),
    RequestState.DONE: ("done", "ดำเนินการแล้ว"),
    RequestState.CLOSED: ("closed", "ปิดคำขอแล้ว"),
}
# Properties of a request that the addressee of an unconfirmed hop reads.
_WITHOUT_ORDER = ("asks", "amount", "currency")


def note_id(request_id: str) -> str:
    """Return the id under which the parties of a request read it."""
    return f"note--{request_id}"


class RequestStep(NamedTuple):
    """A step in a request's history: by the sender, the addressee or the hub."""

    state: RequestState
    at: datetime
    by: str
    amount: str | None = None
    currency: str | None = None
    reason: str | None = None
    went_to: Sequence[Mapping[str, Any]] = ()
    payment: Mapping[str, str] | None = None
    response: str | None = None
    reference: str | None = None
    territory: Sequence[str] = ()
    right_addressee: str | None = None

    def written(self) -> dict[str, Any]:
        """Return the step as JSON."""
        words = {"state": str(self.state), "at": timestamp.text(self.at), "by": self.by}
        more: dict[str, Any] = {
            "amount": self.amount,
            "currency": self.currency,
            "reason": self.reason,
            "payment": self.payment,
            **{"response": self.response, "reference": self.reference, "right_addressee": self.right_addressee},
        }
        more |= {"went_to": list(self.went_to), "territory": list(self.territory)}
        return {**words, **{name: value for name, value in more.items() if value}}


class RequestView(NamedTuple):
    """A request from the view of one of its parties.

    ``role`` is the role of that party: the sender, the addressee, or an informed partner. ``hop`` counts the earlier
    transfers of the money, and ``named_by`` is the institution that reported the account of a later hop. ``chain`` and
    ``earlier`` are ids of requests, None if this party may not know them.

    ``withheld``: the sender has not confirmed the hop. The party then reads the account and the amount as information
    from the institution that reported them, without the order. ``authority_known``: whether the hub knows that the
    sender may give the order that is the legal basis; None if that is not an order. ``hub`` is the name of another hub
    where the sender or the addressee is. ``beyond`` are the sums that an addressee's hub tells of money that went on:
    ``went_on``, and of it ``held`` and ``done``.

    Of a takedown request: ``response`` is the newest one, ``served_at`` the first moment at which the hub can prove
    that the addressee received the request, and ``served_by`` the channel. ``due`` is when a response is due; None
    while a takedown request is not served.
    """

    id: str
    role: str
    sender: str
    request: Request
    addressee: str
    state: RequestState
    opened: datetime
    changed: datetime
    steps: Sequence[RequestStep]
    agreed: str | None = None
    done: str | None = None
    overdue: bool = False
    hop: int = 1
    chain: str | None = None
    earlier: str | None = None
    named_by: str | None = None
    withheld: bool = False
    authority_known: bool | None = None
    hub: str | None = None
    beyond: Mapping[str, Decimal] | None = None
    due: datetime | None = None
    response: str | None = None
    served_at: datetime | None = None
    served_by: str | None = None

    @property
    def asks(self) -> RequestWord:
        """Return what the reader of the view is asked to do."""
        return RequestWord.INFORMATION if self.withheld else self.request.asks

    def written(self) -> dict[str, Any]:
        """Return the view as JSON, as the API and the extension have it."""
        plain = self.request.model_dump(mode="json", exclude_none=True) | {"asks": str(self.asks)}
        names = _WITHOUT_ORDER if self.withheld else PLAIN_OF_REQUEST
        also = {"also_to": list(self.request.also_to)} if self.request.also_to and self.role != "addressee" else {}
        ids_ = {"chain": self.chain, "earlier": self.earlier, "agreed": self.agreed, "done": self.done}
        known = None if self.withheld else self.authority_known
        marks = {"named_by": self.named_by, "authority_known": known, "hub": self.hub}
        beyond = {name: plain_amount(amount) for name, amount in (self.beyond or {}).items() if amount}
        return {
            "id": self.id,
            "role": self.role,
            "state": str(self.state),
            "sender": self.sender,
            "addressee": self.addressee,
            "of": subject_of_request(self.request.of),
            **{name: plain[name] for name in names if plain.get(name)},
            **(self._of_takedown() if self.request.is_takedown else {}),
            **also,
            "hop": self.hop,
            **{name: value for name, value in {**marks, **ids_}.items() if value is not None},
            **({"beyond": beyond} if beyond else {}),
            **({"overdue": True} if self.overdue else {}),
            "opened": timestamp.text(self.opened),
            "changed": timestamp.text(self.changed),
            "steps": [step.written() for step in self.steps],
        }

    def _of_takedown(self) -> dict[str, Any]:
        """Return what the hub adds to a takedown request: the digest of its location, the response and the clock."""
        times = {"served_at": self.served_at, "due_at": self.due}
        known = {
            "location_sha256": location_sha256(self.request.location or ""),
            **{"response": self.response, "served_by": self.served_by},
            **{name: timestamp.text(time) for name, time in times.items() if time is not None},
        }
        return {name: value for name, value in known.items() if value is not None}


def request_note(view: RequestView, hub: str, sender: str) -> dict[str, Any]:
    """Return the note that a party reads; ``hub`` and ``sender`` are identities."""
    english, thai = REQUESTS[view.asks]
    state, thai_state = _STATES[view.state]
    if view.named_by:
        english, thai = f"{english} (account named by {view.named_by})", f"{thai} (บัญชีที่ {view.named_by} ระบุ)"
    return {
        "type": "note",
        "spec_version": "2.1",
        "id": note_id(view.id),
        "created_by_ref": hub,
        "created": timestamp.text(view.opened),
        "modified": timestamp.text(view.changed),
        "abstract": f"{english}: {state}",
        "content": f"{english}: {state} / {thai}: {thai_state}",
        "object_refs": [sender],
        "labels": extension.labels_of({"request": view.asks, "state": view.state}),
        "object_marking_refs": [marking.ref(Tlp.AMBER_STRICT)],
        "extensions": {extension.ID: extension.build(request=view.written())},
    }
