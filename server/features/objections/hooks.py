"""Objections from other hubs, and their answers to those passed on to them."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from schemas import kinds
from schemas.errors import Rejected, rejection_of
from schemas.hub_message import HubMessage
from server.features.objections import elsewhere, records as objections
from server.features.objections.elsewhere import ANSWER, OBJECTION, SentAnswer, SentObjection
from server.features.objections.records import Objection
from server.release.hooks import PeerMessageHandler, PeerTaking
from server.release.peers import party_at
from server.release.reasons import Reason
from server.store import audit, quotas, value_index

_DAY_SECONDS = 86_400
_DAY = _DAY_SECONDS * 1_000_000
# A peer may pass on so many objections a day. Each is to be answered within these days, even if the peer promised more.
_MOST_A_DAY = 1_000
_SHORTEST, _LONGEST = 1 * _DAY, 60 * _DAY
_Model = TypeVar("_Model", bound=BaseModel)


class ObjectionMessages(PeerMessageHandler):
    """Stores objections of other hubs for the operators here, and the answers of other hubs."""

    kinds = frozenset({OBJECTION, ANSWER})

    def take(self, taking: PeerTaking, sent: Sequence[HubMessage]) -> Callable[[], None]:
        """Store them; listings are looked up later, as for every objection."""
        for message in sent:
            try:
                if message.kind == OBJECTION:
                    _receive(taking, message)
                else:
                    _take_answer(taking, message)
            except Rejected as refusal:
                taking.refuse(message, refusal)
        return _nothing


def _nothing() -> None:
    """Do nothing: objections add nothing to collections at once."""


def _receive(taking: PeerTaking, message: HubMessage) -> None:
    tx, moment = taking.tx, taking.context.micros
    if objections.of_hub(tx, message.origin, message.thread) is not None:
        return
    sent = _read(SentObjection, message)
    subjects = sorted(set(map(_subject, sent.about)))
    party = party_at(message.origin)
    if quotas.charge(tx, party, "objections", 1, limit=_MOST_A_DAY, seconds=_DAY_SECONDS):
        raise Reason.TOO_MANY_OBJECTIONS.rejected(most=_MOST_A_DAY)
    digest = elsewhere.contact_of(tx, message.origin)
    before = [one for one in objections.of_values(tx, subjects) if one.contact_digest == digest]
    id_ = before[0].id if before else elsewhere.received_id()
    if not before:
        due = min(max(sent.due, moment + _SHORTEST), moment + _LONGEST)
        kind = subjects[0].partition(":")[0]
        objections.add(tx, Objection(id_, kind, sent.ground, None, digest, moment, due), subjects)
        audit.record_act(tx, taking.peer.name, "OBJECT", "objection", reference=id_)
    objections.add_hub(tx, id_, message.origin, message.thread)


def _take_answer(taking: PeerTaking, message: HubMessage) -> None:
    found = objections.of_hub(taking.tx, message.origin, message.thread)
    if found is None or found != message.thread:
        raise Reason.UNKNOWN_OBJECTION.rejected()
    objections.answer_of_hub(taking.tx, found, message.origin, _read(SentAnswer, message).answer)


def _subject(text: str) -> str:
    """Return a value by its name in the value index. Raises ``Rejected`` if it is none."""
    kind, _, value = text.partition(":")
    if kind not in kinds.every():
        raise Reason.UNKNOWN_OBJECTION.rejected()
    return value_index.subject_of(kind, kinds.get(kind).normalise(value).value)


def _read(model: type[_Model], message: HubMessage) -> _Model:
    try:
        return model.model_validate(dict(message.content))
    except ValidationError as error:
        raise rejection_of(error) from None
