"""The intake of requests from other hubs, and of the responses to requests sent there.

Each message states one side as a whole. A side changes only as its writer may change it: a peer cannot change a
request, open it again, take back a step, or report more money than the request names.
"""

import uuid
from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from mappers.records import PLAIN_OF_REQUEST
from schemas.errors import Rejected, rejection_of
from schemas.fields import plain_amount
from schemas.hub_message import HubMessage
from schemas.records import FeedbackEvent
from schemas.reference.numbers import refuse_unknown_currency
from schemas.request import CLOSINGS, DISAGREEMENTS, Request, RequestReason, RequestState
from server.features.requests import records as requests, states, views
from server.features.requests.addressee import INSTITUTIONS, provider
from server.features.requests.amounts import too_much
from server.features.requests.demands import rule_on, word_of
from server.features.requests.free_texts import refuse_personal_numbers
from server.features.requests.limits import DEADLINE_DAYS, HOLD_DAYS, MOST_HOPS, MOST_REFUSED, PEER_TIMES
from server.features.requests.notes import RequestNotes
from server.features.requests.opening import opened
from server.features.requests.records import StoredRequest, StoredStep
from server.features.requests.remote import (
    REQUEST,
    RESPONSE,
    RemoteSide,
    RemoteStep,
    RequestSide,
    ResponseSide,
    refused_side,
    remote_of,
)
from server.features.requests.states import Role
from server.release.gate.leaving import Ruling
from server.release.guard.personal_data import objects
from server.release.hooks import PeerTaking
from server.release.peers import party_at
from server.release.reasons import Reason
from server.store import audit, quotas
from server.store.peer_messages import messages

_Model = TypeVar("_Model", bound=BaseModel)
_DAY = 86_400_000_000
_SECONDS = 86_400
_MILLISECOND = 1_000


class PeerIntake:
    """Stores the sides of requests that one peer writes, in one transaction; ``notes`` are for the parties here."""

    def __init__(self, taking: PeerTaking) -> None:
        """Store what the peer of ``taking`` sends."""
        self._taking = taking
        self._tx = taking.tx
        self._context = taking.context
        self._sender = party_at(taking.peer.origin)
        self.notes = RequestNotes()

    def take(self, sent: Sequence[HubMessage]) -> None:
        """Store messages one by one; a refused one is counted, and does not stop the others."""
        for message in sorted(sent, key=lambda message: (message.thread, message.number)):
            try:
                if message.kind == REQUEST:
                    self._take_request(message.thread, _read(RequestSide, message.content))
                else:
                    self._take_response(message.thread, _read(ResponseSide, message.content))
            except Rejected as refusal:
                self._taking.refuse(message, refusal)
                if message.kind == REQUEST:
                    self._tell_refused(message.thread, refusal)

    def _tell_refused(self, thread: str, refusal: Rejected) -> None:
        """Tell the sender's hub why a request was not opened, up to a daily limit."""
        peer = self._taking.peer
        if requests.sent(self._tx, self._sender, thread) is not None:
            # The message would change an existing request, which continues unchanged.
            return
        if quotas.charge(self._tx, f"peer {peer.name}", "refused-requests", 1, limit=MOST_REFUSED, seconds=_SECONDS):
            return
        is_quota = refusal.reason == Reason.TOO_MANY_REQUESTS.code
        reason = RequestReason.PEER_QUOTA if is_quota else RequestReason.NOT_ACCEPTED
        messages.put(self._tx, peer.origin, thread, RESPONSE, refused_side(reason))

    def _take_request(self, thread: str, side: RequestSide) -> None:
        found = requests.sent(self._tx, self._sender, thread)
        before = requests.lock(self._tx, found.id) if found else None
        if side.state is RequestState.CLOSED:
            if before is not None:
                self._close(before, side.reason)
        elif before is None:
            self._open(thread, side)

    def _open(self, thread: str, side: RequestSide) -> None:
        if side.by is None or side.request is None or side.by.kind not in INSTITUTIONS:
            raise Reason.NO_INSTITUTION.rejected()
        if objects.could_be_personal_number(side.by.name):
            raise Reason.PERSONAL_NUMBER.rejected(name="name")
        request = self._request(side.request)
        self._refuse_many()
        decision = rule_on(self._context, self._taking.hub.allowlists, request, None)
        if decision.ruling is Ruling.REFUSE:
            raise Rejected(decision.code, decision.message)
        is_held, moment = decision.ruling is Ruling.HOLD, self._moment()
        asked = None if is_held else provider(self._context.registry, request.of)
        hub, id_ = self._taking.peer.name, str(uuid.uuid4())
        remote = RemoteSide(hub=hub, role=Role.SENDER, asker=side.by, asker_hub=hub)
        stored = opened(
            request,
            id_,
            moment,
            sender=self._sender,
            addressee=asked.name if asked else None,
            sent_as=thread,
            hop=MOST_HOPS - side.hops_left,
            held=is_held,
            peer=self._taking.peer.origin,
            remote=remote.written(),
        )
        requests.add(self._tx, stored, {asked.name: str(Role.ADDRESSEE)} if asked else {})
        amount = plain_amount(request.amount) if request.amount else None
        step = StoredStep(id_, 0, stored.state, moment, Role.SENDER, amount, request.currency)
        requests.add_step(self._tx, step._replace(by=views.HUB, reason=word_of(decision)) if is_held else step)
        self._changed(stored, "HELD" if is_held else "REQUEST", None if is_held else FeedbackEvent.REQUESTED)

    def _request(self, sent: Mapping[str, Any]) -> Request:
        """Return the request with the properties that this hub knows, by the rules for requests of partners."""
        names = ("of", *PLAIN_OF_REQUEST)
        known = {name: sent[name] for name in names if name in sent}
        request = _read(Request, {**known, "reporter": self._sender, "reported_at": self._context.at})
        if request.is_takedown:
            # Takedown requests stay at their hub.
            raise Reason.NO_INSTITUTION.rejected()
        refuse_unknown_currency("currency", request.currency)
        refuse_personal_numbers(request)
        # A message may arrive after the deadline that it names; the request is then overdue.
        for name, time, days in (("deadline", request.deadline, DEADLINE_DAYS), ("until", request.until, HOLD_DAYS)):
            if time is not None and time > self._context.at + timedelta(days=days):
                raise Reason.REQUEST_TIMES.rejected(name=name, days=days)
        return request

    def _refuse_many(self) -> None:
        limits = self._taking.hub.request_limits
        day, at_once = limits.per_day * PEER_TIMES, limits.open_at_once * PEER_TIMES
        if day and requests.opened_since(self._tx, [self._sender], self._context.micros - _DAY) >= day:
            raise Reason.TOO_MANY_REQUESTS.rejected(most=day, per="sent within 24 hours", way="send the others later")
        if at_once and requests.still_open(self._tx, [self._sender]) >= at_once:
            raise Reason.TOO_MANY_REQUESTS.rejected(most=at_once, per="open at once", way="close the settled ones")

    def _close(self, root: StoredRequest, reason: RequestReason | None) -> None:
        """Close a request for its sender, and for the hub the hops that follow its money."""
        if root.state == RequestState.CLOSED:
            return
        if reason not in CLOSINGS:
            reason = states.closing_reason(RequestState(root.state))
        ids = [hop.id for hop in requests.of_chain(self._tx, root.chain).values() if hop.id != root.id]
        for id_ in (root.id, *sorted(ids)):
            stored = requests.lock(self._tx, id_)
            if stored is None or stored.state == RequestState.CLOSED:
                continue
            by = Role.SENDER if id_ == root.id else views.HUB
            moment, number = self._moment(stored), len(requests.steps(self._tx, [id_])[id_])
            requests.add_step(self._tx, StoredStep(id_, number, RequestState.CLOSED, moment, by, reason=reason))
            changed = stored._replace(state=RequestState.CLOSED, changed=moment)
            requests.change(self._tx, changed)
            self._changed(changed, "CLOSED", None if stored.withheld else FeedbackEvent.REQUESTED)

    def _take_response(self, thread: str, side: ResponseSide) -> None:
        """Add the addressee's new steps, and the sums of the money that went on."""
        stored = requests.lock(self._tx, thread)
        if stored is None or stored.peer != self._taking.peer.origin or stored.state == RequestState.UNCONFIRMED:
            raise Reason.UNKNOWN_REQUEST.rejected()
        remote = remote_of(stored)
        if remote.role is not Role.ADDRESSEE:
            raise Reason.UNKNOWN_REQUEST.rejected()
        steps = requests.steps(self._tx, [thread])[thread]
        told = [step for step in steps if step.by == Role.ADDRESSEE]
        request = views.request_of(stored)
        if side.refused is not None:
            self._end_refused(stored, steps, side.refused)
            return
        _check_steps(request, told, side.steps)
        _check_sums(request, side)
        new, moment, changed = side.steps[len(told) :], self._moment(stored), stored
        for place, step in enumerate(new):
            at, written = moment + place * _MILLISECOND, _written(step.amount)
            requests.add_step(
                self._tx,
                StoredStep(
                    *(thread, len(steps) + place, step.state, at, Role.ADDRESSEE), written, step.currency, step.reason
                ),
            )
            # A closed request stays closed; the steps that the addressee took before it knew are still passed on.
            changed = changed._replace(
                state=stored.state if stored.state == RequestState.CLOSED else step.state,
                agreed=written if step.state is RequestState.AGREED else changed.agreed,
                done=written if step.state is RequestState.DONE else changed.done,
            )
        sums = remote.model_copy(update={"went_on": side.went_on, "held": side.held, "done": side.done})
        if new or sums != remote:
            changed = changed._replace(changed=moment + len(new) * _MILLISECOND, remote=sums.written())
            requests.change(self._tx, changed)
            self._changed(changed, new[-1].state.upper() if new else "MONEY", FeedbackEvent.ANSWERED)

    def _end_refused(self, stored: StoredRequest, steps: Sequence[StoredStep], reason: RequestReason) -> None:
        """Close a request that the other hub did not pass on, unless its addressee took a step."""
        if stored.state != RequestState.OPEN:
            raise Reason.REQUEST_CHANGED.rejected()
        moment = self._moment(stored)
        step = StoredStep(stored.id, len(steps), RequestState.CLOSED, moment, views.HUB, reason=reason)
        requests.add_step(self._tx, step)
        changed = stored._replace(state=RequestState.CLOSED, changed=moment)
        requests.change(self._tx, changed)
        self._changed(changed, "CLOSED", FeedbackEvent.ANSWERED)

    def _changed(self, stored: StoredRequest, what: str, event: FeedbackEvent | None) -> None:
        audit.record_act(self._tx, self._taking.peer.name, what, "request", reference=stored.id)
        self.notes.add(stored.id, event)

    def _moment(self, after: StoredRequest | None = None) -> int:
        moment = self._context.micros // _MILLISECOND * _MILLISECOND
        return moment if after is None else max(moment, after.changed + _MILLISECOND)


def _read(model: type[_Model], content: Mapping[str, Any]) -> _Model:
    """Return the content of a message. Raises ``Rejected``."""
    try:
        return model.model_validate(dict(content))
    except ValidationError as error:
        raise rejection_of(error) from None


def _written(amount: Decimal | None) -> str | None:
    return None if amount is None else plain_amount(amount) if amount else "0"


def _check_steps(request: Request, told: Sequence[StoredStep], steps: Sequence[RemoteStep]) -> None:
    """Check that steps continue those told before, as an addressee may take them. Raises ``Rejected``."""
    before = [(step.state, step.amount, step.reason) for step in told]
    if before != [(step.state, _written(step.amount), step.reason) for step in steps[: len(told)]]:
        raise Reason.REQUEST_CHANGED.rejected()
    state, most = RequestState.OPEN, request.amount
    for step in steps:
        states.check(state, step.state, Role.ADDRESSEE)
        if (step.state is RequestState.DISAGREED) != (step.reason in DISAGREEMENTS):
            raise Reason.REQUEST_CHANGED.rejected()
        if step.amount is not None:
            is_kept = step.state in (RequestState.AGREED, RequestState.DONE) and step.currency is not None
            if (
                not is_kept
                or request.currency not in (None, step.currency)
                or (most is not None and step.amount > most)
            ):
                raise too_much(request)
            most = step.amount
        state = step.state


def _check_sums(request: Request, side: ResponseSide) -> None:
    """Check that no more money is reported than the request names. Raises ``Rejected``."""
    amounts = [step.amount for step in side.steps if step.amount is not None]
    kept = amounts[-1] if amounts else Decimal(0)
    is_too_much = bool(side.went_on) if request.amount is None else side.went_on + kept > request.amount
    if is_too_much or side.held > side.went_on or side.done > side.held:
        raise too_much(request)
