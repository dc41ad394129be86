"""The intake of requests and answers: each refused with a reason, or stored, with the requests that follow from it."""

import json
import uuid
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

from schemas import timestamp
from schemas.errors import Rejected
from schemas.feedback import FeedbackEvent
from schemas.fields import plain_amount
from schemas.partner import Partner
from schemas.request import Destination, Request, RequestAnswer, RequestReason, RequestState, total
from server.release.context import ReleaseContext
from server.release.reasons import Reason
from server.release.requests import holds, states, views
from server.release.requests.addressee import INSTITUTIONS, addressee, keeper, named, not_asked
from server.release.requests.limits import DEADLINE_DAYS, HOLD_DAYS, MOST_HOPS, MOST_OF_A_CHAIN, RequestLimits
from server.release.requests.notes import RequestNotes
from server.release.requests.states import Role
from server.release.results import Published, Results, Unpublished
from server.release.submission import RequestNote
from server.store import audit, hub_identity, quotas, value_index
from server.store.audit import AuditEvent
from server.store.database.engine import Tx
from server.store.database.times import micros
from server.store.requests import requests
from server.store.requests.requests import StoredRequest, StoredStep

_DAY = 86_400_000_000
_MILLISECOND = 1_000
_SECOND = 1_000_000
# The quota of later hops that a partner opens by its answers.
_HOPS = "request-hops"
_LEFT = "not-a-partner: you take part here no more"


def values_held(tx: Tx, sent: Sequence[RequestNote]) -> set[str]:
    """Return the values of which these requests and answers may change what is held."""
    freezes = [note.content for note in sent if isinstance(note.content, Request) and note.content.until is not None]
    closed = [
        note.content.request
        for note in sent
        if isinstance(note.content, RequestAnswer) and note.content.state is RequestState.CLOSED
    ]
    stored = requests.find(tx, closed) if closed else {}
    return {
        *(value_index.subject_of(str(request.of.kind), str(request.of.value)) for request in freezes),
        *(request.subject for request in stored.values() if request.hold is not None),
    }


class RequestIntake:
    """Stores the requests and answers of one partner, in one transaction.

    ``notes`` are what its parties are to read; ``holding`` the reports by which freezes of police hold money, by the
    id of the note that asks for each, and ``lifting`` the ids of those that hold no more: the caller contributes the
    ones, and revokes the others.
    """

    def __init__(self, context: ReleaseContext, partner: Partner, limits: RequestLimits) -> None:
        """Store for ``partner``, within ``limits``."""
        self._context = context
        self._tx = context.tx
        self._partner = partner
        self._limits = limits
        self.notes = RequestNotes()
        self.holding: dict[str, dict[str, Any]] = {}
        self.lifting: list[str] = []

    def take(self, sent: Sequence[RequestNote], results: Results) -> None:
        """Store them one by one, and add to ``results`` what became of each."""
        has_left = self._partner.name in self._context.registry.gone
        for note in sent:
            id_, version = note.item.id, note.item.version
            if has_left:
                results.failed.append(Unpublished(id_, version, _LEFT))
                continue
            try:
                message = self._take(note)
            except Rejected as refusal:
                results.failed.append(Unpublished(id_, version, refusal.message, refusal.reason))
            else:
                results.accepted.append(Published(id_, version, message))

    def _take(self, note: RequestNote) -> str:
        if note.obj.get("created_by_ref") != self._partner.identity:
            raise Reason.NOT_YOURS.rejected(identity=self._partner.identity)
        if isinstance(note.content, RequestAnswer):
            return self._answer(note, note.content)
        before = requests.sent(self._tx, self._partner.name, note.item.id)
        if note.item.revoked:
            if before is None:
                raise Reason.UNKNOWN_REQUEST.rejected()
            if before.state == RequestState.CLOSED:
                return _now(before.state)
            return self._step(before.id, RequestState.CLOSED, sent_as=None)
        if before is not None:
            return self._repeated(before, note.content)
        return self._open(note.item.id, note.content)

    def _repeated(self, before: StoredRequest, request: Request) -> str:
        sent = request.model_copy(update={"reporter": self._partner.name})
        asked = views.request_of(before)
        if sent.model_copy(update={"reported_at": asked.reported_at}) != asked:
            raise Reason.REQUEST_CHANGED.rejected()
        return _opened(before.id)

    def _open(self, sent_as: str, request: Request) -> str:
        partner, registry = self._partner, self._context.registry
        if partner.kind not in INSTITUTIONS:
            raise Reason.NO_INSTITUTION.rejected()
        request = request.model_copy(update={"reporter": partner.name})
        self._refuse_times(request)
        self._refuse_many()
        asked = addressee(registry, request.addressee, request.of)
        if asked is not None and asked.counts_as == partner.counts_as:
            raise Reason.REQUEST_TO_YOURSELF.rejected()
        id_ = str(uuid.uuid4())
        self._add(id_, request, asked, sent_as=sent_as)
        meant = (request.addressee, *request.also_to)
        if any(name is not None and named(registry, name) is None for name in meant):
            hub_identity.note_warning(self._tx, hub_identity.UNKNOWN_RECIPIENT, partner=partner.name)
        return _opened(id_)

    def _refuse_times(self, request: Request) -> None:
        for name, time, days in (("deadline", request.deadline, DEADLINE_DAYS), ("until", request.until, HOLD_DAYS)):
            if time is not None and not self._context.at < time <= self._context.at + timedelta(days=days):
                raise Reason.REQUEST_TIMES.rejected(name=name, days=days)

    def _refuse_many(self) -> None:
        name, limits = self._partner.name, self._limits
        if limits.per_day and requests.opened_since(self._tx, name, self._context.micros - _DAY) >= limits.per_day:
            raise Reason.TOO_MANY_REQUESTS.rejected(most=limits.per_day, per="in 24 hours", way="send the others later")
        if limits.open_at_once and requests.still_open(self._tx, name) >= limits.open_at_once:
            raise Reason.TOO_MANY_REQUESTS.rejected(
                most=limits.open_at_once, per="that are not closed", way="close those that are settled"
            )

    def _add(
        self, id_: str, request: Request, asked: Partner | None, *, sent_as: str, earlier: StoredRequest | None = None
    ) -> StoredRequest:
        """Store a new request of its sender, with all who may see it."""
        registry, moment = self._context.registry, _millisecond(self._context.micros)
        sender = request.reporter
        followers = (named(registry, name) for name in request.also_to)
        parties = {follower.name: str(Role.FOLLOWER) for follower in followers if follower}
        if asked is not None:
            parties[asked.name] = Role.ADDRESSEE
        parties[sender] = Role.SENDER
        stored = StoredRequest(
            id=id_,
            chain=earlier.chain if earlier else id_,
            earlier=earlier.id if earlier else None,
            hop=earlier.hop + 1 if earlier else 1,
            sender=sender,
            addressee=asked.name if asked else None,
            sent_as=sent_as,
            subject=value_index.subject_of(str(request.of.kind), str(request.of.value)),
            content=views.content_of(request),
            state=RequestState.OPEN,
            agreed=None,
            done=None,
            opened=moment,
            changed=moment,
            deadline=micros(request.deadline),
            reminded=False,
            hold=None,
            hold_until=None,
        )
        if earlier is None:
            stored = self._held(stored, request, asked)
        requests.add(self._tx, stored, parties)
        amount = plain_amount(request.amount) if request.amount else None
        first = StoredStep(id_, 0, RequestState.OPEN, moment, Role.SENDER, amount, request.currency)
        requests.add_step(self._tx, first)
        self._audit("REQUEST", id_)
        self.notes.add(id_, FeedbackEvent.REQUESTED)
        return stored

    def _held(self, stored: StoredRequest, request: Request, asked: Partner | None) -> StoredRequest:
        """Hold the money of a freeze by police, where somebody is to hold it; a later hop holds nothing by itself."""
        if asked is None or request.until is None or not holds.is_police_freeze(self._partner, request):
            return stored
        followers = (named(self._context.registry, name) for name in request.also_to)
        readers = [asked, *(follower for follower in followers if follower)]
        never = not_asked(self._context.registry, request.of, readers)
        id_ = holds.new_id()
        self.holding[stored.sent_as] = holds.report(id_, self._partner, request, readers, never)
        return stored._replace(hold=id_, hold_until=micros(request.until))

    def _answer(self, note: RequestNote, answer: RequestAnswer) -> str:
        if note.item.revoked:
            raise Reason.REQUEST_CHANGED.rejected()
        return self._step(answer.request, answer.state, sent_as=note.item.id, answer=answer)

    def _step(self, id_: str, wanted: RequestState, *, sent_as: str | None, answer: RequestAnswer | None = None) -> str:
        """Change a request's state, as the partner's role allows."""
        found = requests.role(self._tx, self._partner.name, id_)
        stored = requests.lock(self._tx, id_) if found else None
        if found is None or stored is None:
            raise Reason.UNKNOWN_REQUEST.rejected()
        steps = requests.steps(self._tx, [id_])[id_]
        if sent_as is not None and any(step.sent_as == sent_as for step in steps):
            return _now(stored.state)
        state, role = RequestState(stored.state), Role(found)
        states.check(state, wanted, role)
        request = views.request_of(stored)
        reason = answer.reason if answer else None
        if wanted is RequestState.CLOSED and reason is None:
            reason = states.closing_reason(state)
        amount = _amount_of_step(request, stored, wanted, answer)
        went_to = self._destinations(stored, request, steps, amount, answer.went_to if answer else ())
        self._store_step(stored, steps, wanted, role, amount, request.currency, reason, went_to, sent_as)
        if wanted is RequestState.CLOSED and stored.hold is not None:
            self.lifting.append(stored.hold)
        return _now(wanted)

    def _store_step(
        self,
        stored: StoredRequest,
        steps: Sequence[StoredStep],
        wanted: RequestState,
        role: str,
        amount: Decimal | None,
        currency: str | None,
        reason: RequestReason | None,
        went_to: Sequence[dict[str, Any]],
        sent_as: str | None,
    ) -> None:
        moment = max(_millisecond(self._context.micros), stored.changed + _MILLISECOND)
        written = None if amount is None else plain_amount(amount) if amount else "0"
        followed = json.dumps(went_to, separators=(",", ":"), ensure_ascii=False) if went_to else None
        unit = currency if written else None
        step = StoredStep(stored.id, len(steps), wanted, moment, role, written, unit, reason, followed, sent_as)
        requests.add_step(self._tx, step)
        changed = stored._replace(state=wanted, changed=moment)
        if wanted is RequestState.AGREED:
            changed = changed._replace(agreed=written)
        elif wanted is RequestState.DONE:
            changed = changed._replace(done=written)
        elif wanted is RequestState.CLOSED:
            changed = changed._replace(hold=None, hold_until=None)
        requests.change(self._tx, changed)
        self._audit(wanted.upper(), stored.id)
        self.notes.add(stored.id, FeedbackEvent.ANSWERED if role == Role.ADDRESSEE else FeedbackEvent.REQUESTED)

    def _audit(self, what: str, id_: str) -> None:
        at = self._context.micros
        event = AuditEvent(at, at, 1, self._partner.name, "", what, "request", None, 200, 1, id_)
        audit.record_unsealed(self._tx, [event])

    def _destinations(
        self,
        stored: StoredRequest,
        request: Request,
        steps: Sequence[StoredStep],
        held: Decimal | None,
        went_to: Sequence[Destination],
    ) -> list[dict[str, Any]]:
        """Return where money went as it is stored, and ask those who keep the next accounts. Raises ``Rejected``."""
        if not went_to:
            return []
        if request.amount is None:
            raise Reason.NO_AMOUNT_TO_FOLLOW.rejected()
        gone = [Decimal(entry["amount"]) for step in steps if step.went_to for entry in json.loads(step.went_to)]
        if sum(gone, held or Decimal(0)) + total(tuple(went_to)) > request.amount:
            raise _too_much(request)
        chain = requests.of_chain(self._tx, stored.chain)
        return [self._follow(stored, request, entry, chain) for entry in went_to]

    def _follow(
        self, stored: StoredRequest, request: Request, went_to: Destination, chain: dict[str, StoredRequest]
    ) -> dict[str, Any]:
        """Open the next hop to whoever keeps the account, unless the chain ends here; say why where it does."""
        details = {"details": dict(went_to.of.details)} if went_to.of.details else {}
        entry: dict[str, Any] = {
            "of": {"kind": went_to.of.kind, "value": went_to.of.value, **details},
            "amount": plain_amount(went_to.amount),
        }
        sender = self._context.registry.partners.get(stored.sender)
        asked = keeper(self._context.registry, went_to.of)
        subject = value_index.subject_of(str(went_to.of.kind), str(went_to.of.value))
        if sender is None or stored.state == RequestState.CLOSED:
            return {**entry, "not_asked": "sender-left"}
        if subject in _subjects_before(stored, chain):
            return {**entry, "not_asked": "was-here-before"}
        if stored.hop >= MOST_HOPS:
            return {**entry, "not_asked": "too-many-hops"}
        if len(chain) >= MOST_OF_A_CHAIN:
            return {**entry, "not_asked": "too-many-requests"}
        if asked is not None and asked.counts_as == sender.counts_as:
            return {**entry, "not_asked": "yours"}
        if self._follows_many():
            return {**entry, "not_asked": "too-many-requests"}
        id_ = str(uuid.uuid4())
        deadline = timestamp.to_millisecond(self._context.at + _window(stored.deadline - stored.opened))
        following = request.model_copy(
            update={
                "of": went_to.of,
                "addressee": None,
                "amount": went_to.amount,
                "deadline": deadline,
                "until": None,
                "reported_at": self._context.at,
                # Of the payment to the account before.
                "uetr": None,
                "end_to_end_id": None,
                "transaction_hash": None,
            }
        )
        chain[id_] = self._add(id_, following, asked, sent_as=f"note--{id_}", earlier=stored)
        return {**entry, "next": id_}

    def _follows_many(self) -> bool:
        """Count a later hop of the partner that answers, and return whether it named as many today as it may.

        It counts as that partner's, who names the accounts: nobody can use up what another may have followed.
        """
        most = self._limits.per_day * MOST_HOPS
        name, day = self._partner.name, _DAY // _SECOND
        return bool(most) and quotas.charge(self._tx, name, _HOPS, 1, limit=most, seconds=day) > 0


def _amount_of_step(
    request: Request, stored: StoredRequest, wanted: RequestState, answer: RequestAnswer | None
) -> Decimal | None:
    """Return how much of what was asked is agreed or done; what an answer leaves out is all that is left.

    Raises ``Rejected`` for another currency, and for more than that.
    """
    if wanted not in (RequestState.AGREED, RequestState.DONE) or answer is None:
        return None
    most = Decimal(stored.agreed) if wanted is RequestState.DONE and stored.agreed else request.amount
    if answer.amount is None:
        left = total(answer.went_to)
        return most if most is None or wanted is RequestState.DONE else max(most - left, Decimal(0))
    if request.currency is not None and answer.currency != request.currency:
        raise _too_much(request)
    if most is not None and answer.amount > most:
        raise _too_much(request)
    return answer.amount


def _too_much(request: Request) -> Rejected:
    amount = f"{plain_amount(request.amount)} {request.currency}" if request.amount else "money"
    return Reason.WRONG_AMOUNT.rejected(amount=amount, of="the request names")


def _subjects_before(stored: StoredRequest, chain: dict[str, StoredRequest]) -> set[str]:
    """Return the values of a request and of those that it follows."""
    found, at = {stored.subject}, stored
    while at.earlier is not None and at.earlier in chain:
        at = chain[at.earlier]
        found.add(at.subject)
    return found


def _window(time: int) -> timedelta:
    """Return the time for an answer to a later hop: as long as that to the one before (microseconds), within bounds."""
    return min(max(timedelta(microseconds=time), timedelta(hours=1)), timedelta(days=DEADLINE_DAYS))


def _millisecond(moment: int) -> int:
    return moment // _MILLISECOND * _MILLISECOND


def _opened(id_: str) -> str:
    return f"the request {id_} is open; your collection requests-… says what becomes of it"


def _now(state: str) -> str:
    return f"the request is {state}"
