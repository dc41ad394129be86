"""The requests and responses of a message in a partner's name, and the requests that responses are about."""

import json
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from pydantic import ValidationError

from mappers import ids
from mappers.records import sent_request
from schemas.errors import Rejected, rejection_of
from schemas.fields import plain_amount
from schemas.partner import Partner, agent_keys, institution_keys
from schemas.payment import is_number_of
from schemas.request import Request, RequestAnswer, RequestState
from server.features.iso20022.reading import AgentAt, Asking, Mark, Message, Responding, UnreadTransaction
from server.features.iso20022.xml import MessageRefused
from server.features.requests import records as requests, views
from server.features.requests.records import RequestPlace, StoredRequest
from server.features.requests.states import Role
from server.release.reasons import Reason
from server.store.database.engine import Tx

# Requests to a partner among which the request of a response is looked for, the newest first.
_MOST_LOOKED_AT = 10_000
_AT_ONCE = 1_000
# Facts that tell one request from another. The others only have to agree.
_TELLING = frozenset({"case", "uetr", "end_to_end_id", "transaction_id"})
_AGENTS = frozenset({"debtor_agent", "creditor_agent"})
_ENDED = frozenset({RequestState.CLOSED, RequestState.DISAGREED, RequestState.DONE})


class ToSend(NamedTuple):
    """A request or response to send, and the id of its note, which the same message gives again."""

    content: Request | RequestAnswer
    sent_as: str


class TransactionPlan(NamedTuple):
    """A transaction of a message: what it sends in order, or why it is refused.

    ``request`` is the id of the request that it responds to. ``ignored`` are the paths of facts about the original
    payment that this request does not have.
    """

    path: str
    sends: Sequence[ToSend] = ()
    request: str | None = None
    ignored: Sequence[str] = ()
    refusal: Rejected | None = None


def plans(tx: Tx, partner: Partner, message: Message) -> Iterator[TransactionPlan]:
    """Yield the transactions of a message as a partner may send them."""
    candidates: list[StoredRequest] | None = None
    for place, transaction in enumerate(message.transactions):
        if isinstance(transaction, UnreadTransaction):
            yield TransactionPlan(transaction.path, refusal=transaction.refusal)
            continue
        try:
            _check_own(partner, transaction.own)
            if isinstance(transaction, Asking):
                id_ = _note_id(partner, message, place)
                yield TransactionPlan(transaction.path, [ToSend(transaction.request, id_)])
                continue
            if candidates is None:
                candidates = list(_to(tx, partner))
            stored, ignored = _request_of(candidates, transaction)
            sends = list(_steps(partner, message, place, transaction, stored))
            yield TransactionPlan(transaction.path, sends, stored.id, ignored)
        except ValidationError as error:
            yield TransactionPlan(transaction.path, refusal=rejection_of(error))
        except Rejected as refusal:
            yield TransactionPlan(transaction.path, refusal=refusal)


def note(partner: Partner, sent: ToSend) -> dict[str, Any]:
    """Return the note by which a partner sends a request or a response."""
    content = sent.content.model_copy(update={"reporter": partner.name})
    return {**sent_request(content), "id": sent.sent_as, "created_by_ref": partner.identity}


def _note_id(partner: Partner, message: Message, place: int, state: str = "") -> str:
    named = {"type": "iso20022", "by": partner.identity, "message": message.name[:8], "id": message.id}
    return "note--" + ids.in_scamfeed({**named, "place": str(place), "state": state})


def _check_own(partner: Partner, agents: Sequence[AgentAt]) -> None:
    """Refuse a message for an agent that is not the partner's institution. Raises ``MessageRefused``."""
    own = {key for institution in partner.institutions for key in institution_keys(institution)}
    for path, agent in agents:
        if agent is None:
            text = "name your institution by its BIC, or by clearing code and number"
            raise MessageRefused("own-agent", path, text, "agent-missing")
        if any(own.isdisjoint(agent_keys(part)) for part in agent.split()):
            text = f"it is not an institution of {partner.name}: the operator registers it (--institution)"
            raise MessageRefused("own-agent", path, text, "foreign-agent")


def _to(tx: Tx, partner: Partner) -> Iterator[StoredRequest]:
    """Yield the newest requests to a partner, without those that it may not read yet."""
    before: RequestPlace | None = None
    for _ in range(_MOST_LOOKED_AT // _AT_ONCE):
        found = requests.of_partner(tx, partner.name, role=Role.ADDRESSEE, before=before, most=_AT_ONCE)
        yield from (stored for stored, _ in found if not stored.withheld)
        if len(found) < _AT_ONCE:
            return
        before = RequestPlace(found[-1][0].opened, found[-1][0].id)


def _request_of(candidates: Sequence[StoredRequest], response: Responding) -> tuple[StoredRequest, list[str]]:
    """Return the request of a response, and the paths of the facts that it does not have. Raises ``Rejected``."""
    telling = [json.dumps(mark.text, ensure_ascii=False)[1:-1] for mark in response.marks if mark.name in _TELLING]
    found: list[tuple[StoredRequest, list[str]]] = []
    for stored in candidates:
        plain = stored.id.replace("-", "")
        if plain in telling or stored.id in telling or any(text in stored.content for text in telling):
            ignored = _compared(stored, response.marks)
            if ignored is not None:
                found.append((stored, ignored))
    if len(found) > 1:
        found = [each for each in found if each[0].state not in _ENDED] or found
    if not found:
        raise Reason.UNKNOWN_REQUEST.rejected()
    if len(found) > 1:
        text = "several requests to you have these ids: name the UETR, or the number of the case"
        raise MessageRefused("one-request", response.path, text, "several-requests")
    return found[0]


def _compared(stored: StoredRequest, marks: Sequence[Mark]) -> list[str] | None:
    """Return the paths of the facts that a request does not have; None if it is another request."""
    request = views.request_of(stored)
    facts = _facts(request)
    cases = {request.reference, stored.id, stored.id.replace("-", "")}
    ignored, is_told = [], False
    for mark in marks:
        known = facts.get(mark.name)
        if mark.name == "case":
            is_same = mark.text in cases
        elif known is None:
            ignored.append(mark.path)
            continue
        else:
            is_same = _is_same(mark, known)
        if not is_same:
            return None
        is_told = is_told or mark.name in _TELLING
    return ignored if is_told else None


def _facts(request: Request) -> Mapping[str, str | None]:
    payment = request.payment.model_dump() if request.payment else {}
    amount = f"{plain_amount(request.amount)} {request.currency}" if request.amount is not None else None
    own = {"uetr": request.uetr, "end_to_end_id": request.end_to_end_id, "account": str(request.of.value)}
    return {**payment, **own, "amount": amount}


def _is_same(mark: Mark, known: str) -> bool:
    if mark.name == "account":
        return mark.text == known or is_number_of(mark.text, known)
    if mark.name == "amount":
        said, currency = mark.text.split()
        amount, unit = known.split()
        return currency == unit and Decimal(said) == Decimal(amount)
    if mark.name in _AGENTS:
        keys = [{key for part in agent.split() for key in agent_keys(part)} for agent in (mark.text, known)]
        return not keys[0].isdisjoint(keys[1])
    return mark.text == known


def _steps(
    partner: Partner, message: Message, place: int, response: Responding, stored: StoredRequest
) -> Iterator[ToSend]:
    """Yield the steps of a response. A step to ``agreed`` before ``done`` is left out where it was taken before."""
    agrees = (RequestState.OPEN, RequestState.ACKNOWLEDGED)
    for step in response.steps:
        is_passed = step["state"] == RequestState.AGREED and len(response.steps) > 1 and stored.state not in agrees
        if not is_passed:
            answer = RequestAnswer.model_validate({**step, "request": stored.id})
            yield ToSend(answer, _note_id(partner, message, place, step["state"]))
