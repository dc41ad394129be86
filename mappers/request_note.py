"""Requests between institutions, and the answers to them, as STIX notes: as partners send them, and as they read them.

All of a request is in our extension; the note's own text is for people, and names no account.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any, NamedTuple

from mappers import extension, ids, labels, marking, record
from schemas import timestamp
from schemas.errors import Rejected
from schemas.fields import plain_amount
from schemas.request import Request, RequestAnswer, RequestState, RequestWord
from schemas.subject import Subject
from schemas.vocabulary import Tlp

REQUEST, ANSWER = "request", "request_answer"
_NOBODY: Mapping[str, str] = MappingProxyType({})
_TEXTS = {
    RequestWord.FREEZE: ("Request to freeze money", "คำขอให้อายัดเงิน"),
    RequestWord.TRACE: ("Request to trace money", "คำขอให้ติดตามเส้นทางเงิน"),
    RequestWord.RETURN: ("Request to return money", "คำขอให้คืนเงิน"),
    RequestWord.INFORMATION: ("Request for information", "คำขอข้อมูล"),
    RequestWord.PRESERVE: ("Request to preserve evidence", "คำขอให้เก็บรักษาพยานหลักฐาน"),
}
_STATES = {
    RequestState.OPEN: ("open", "รอดำเนินการ"),
    RequestState.ACKNOWLEDGED: ("acknowledged", "รับทราบแล้ว"),
    RequestState.AGREED: ("agreed", "ตกลงดำเนินการ"),
    RequestState.DISAGREED: ("disagreed", "ไม่ตกลงดำเนินการ"),
    RequestState.DONE: ("done", "ดำเนินการแล้ว"),
    RequestState.CLOSED: ("closed", "ปิดคำขอแล้ว"),
}
_ANSWER = ("Answer to a request", "คำตอบต่อคำขอ")
# What of a request stands in the extension under its own name.
_PLAIN = (
    "asks",
    "reference",
    "amount",
    "currency",
    "uetr",
    "end_to_end_id",
    "transaction_hash",
    "deadline",
    "legal_basis",
    "legal_reference",
    "until",
)


def note_id(request_id: str) -> str:
    """Return the id under which the parties of a request read it."""
    return f"note--{request_id}"


def told_by(stix_object: Mapping[str, Any]) -> bool:
    """Return whether a note is a request or an answer to one."""
    context = extension.context_of(stix_object)
    return REQUEST in context or ANSWER in context


def to_stix(exchange: Request | RequestAnswer) -> dict[str, Any]:
    """Return the note by which a partner sends a request or an answer."""
    by = ids.identity(exchange.reporter)
    if isinstance(exchange, Request):
        content, name, texts = _request(exchange), REQUEST, _TEXTS[exchange.asks]
    else:
        content, name, texts = _answer(exchange), ANSWER, _ANSWER
    named = {"type": name, "created_by_ref": by, "content": {key: str(content[key]) for key in sorted(content)}}
    return {
        "type": "note",
        "spec_version": "2.1",
        "id": "note--" + ids.in_scamfeed(named),
        **record.head(exchange),
        "abstract": texts[0],
        "content": " / ".join(texts),
        "object_refs": [by],
        "labels": labels.of({"request": content.get("asks", content.get("state"))}),
        "object_marking_refs": [marking.ref(Tlp.AMBER_STRICT)],
        "extensions": {extension.ID: extension.build(**{name: content})},
    }


def from_stix(note: Mapping[str, Any], reporters: Mapping[str, str] = _NOBODY) -> Request | RequestAnswer:
    """Return the request or the answer of a note. Raises ``Rejected``; ``reporters`` names the identities by id."""
    record.check(note)
    context = extension.context_of(note)
    sent = context.get(REQUEST, context.get(ANSWER))
    if not isinstance(sent, Mapping) or (REQUEST in context and ANSWER in context):
        raise Rejected("not-a-request", "the note has no request, or answer to one, in the extension")
    columns = {name: value for name, value in sent.items() if value is not None}
    if ANSWER in context:
        return record.read(RequestAnswer, note, reporters, **columns)
    for name in ("addressee", "also_to"):
        if name in columns:
            columns[name] = _named(columns[name], reporters)
    return record.read(Request, note, reporters, **columns)


def _named(value: Any, reporters: Mapping[str, str]) -> Any:
    if isinstance(value, list):
        return [_named(entry, reporters) for entry in value]
    return reporters.get(value, value) if isinstance(value, str) else value


def _subject(subject: Subject) -> dict[str, Any]:
    details = {"details": dict(subject.details)} if subject.details else {}
    return {"kind": str(subject.kind), "value": str(subject.value), **details}


def _request(request: Request) -> dict[str, Any]:
    plain = request.model_dump(mode="json", exclude_none=True)
    return {
        "asks": plain["asks"],
        "of": _subject(request.of),
        **({"addressee": ids.identity_of(request.addressee)} if request.addressee else {}),
        **({"also_to": sorted(map(ids.identity_of, request.also_to))} if request.also_to else {}),
        **{name: plain[name] for name in _PLAIN if name in plain},
    }


def _answer(answer: RequestAnswer) -> dict[str, Any]:
    plain = answer.model_dump(mode="json", exclude_none=True)
    went_to = [
        {"of": _subject(destination.of), "amount": plain_amount(destination.amount)} for destination in answer.went_to
    ]
    names = ("request", "state", "amount", "currency", "reason")
    return {**{name: plain[name] for name in names if name in plain}, **({"went_to": went_to} if went_to else {})}


class Step(NamedTuple):
    """A step that a request took: by the sender, the addressee or the hub."""

    state: RequestState
    at: datetime
    by: str
    amount: str | None = None
    currency: str | None = None
    reason: str | None = None
    went_to: Sequence[Mapping[str, Any]] = ()

    def written(self) -> dict[str, Any]:
        """Return the step as JSON."""
        words = {"state": str(self.state), "at": timestamp.text(self.at), "by": self.by}
        more = {"amount": self.amount, "currency": self.currency, "reason": self.reason, "went_to": list(self.went_to)}
        return {**words, **{name: value for name, value in more.items() if value}}


class RequestView(NamedTuple):
    """A request as one of its parties may see it.

    ``role`` is what that party is: the sender, the addressee, or somebody who is told. ``hop`` counts how often the
    money went on before. ``chain`` and ``earlier`` are ids of requests, None where they are not for this party.
    """

    id: str
    role: str
    sender: str
    request: Request
    addressee: str
    state: RequestState
    opened: datetime
    changed: datetime
    steps: Sequence[Step]
    agreed: str | None = None
    done: str | None = None
    overdue: bool = False
    hop: int = 1
    chain: str | None = None
    earlier: str | None = None

    def written(self) -> dict[str, Any]:
        """Return the view as JSON, as the API and the extension have it."""
        plain = self.request.model_dump(mode="json", exclude_none=True)
        also = {"also_to": list(self.request.also_to)} if self.request.also_to and self.role != "addressee" else {}
        ids_ = {"chain": self.chain, "earlier": self.earlier, "agreed": self.agreed, "done": self.done}
        return {
            "id": self.id,
            "role": self.role,
            "state": str(self.state),
            "sender": self.sender,
            "addressee": self.addressee,
            "of": _subject(self.request.of),
            **{name: plain[name] for name in _PLAIN if name in plain},
            **also,
            "hop": self.hop,
            **{name: value for name, value in ids_.items() if value is not None},
            **({"overdue": True} if self.overdue else {}),
            "opened": timestamp.text(self.opened),
            "changed": timestamp.text(self.changed),
            "steps": [step.written() for step in self.steps],
        }


def published(view: RequestView, hub: str, sender: str) -> dict[str, Any]:
    """Return the note that a party reads; ``hub`` and ``sender`` are identities."""
    english, thai = _TEXTS[view.request.asks]
    state, thai_state = _STATES[view.state]
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
        "labels": labels.of({"request": view.request.asks, "state": view.state}),
        "object_marking_refs": [marking.ref(Tlp.AMBER_STRICT)],
        "extensions": {extension.ID: extension.build(request=view.written())},
    }
