"""The intake of requests and responses: each is refused with a reason, or stored with the requests that follow
from it.
"""

import json
import uuid
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

from mappers import ids
from schemas import timestamp
from schemas.errors import Rejected
from schemas.fields import plain_amount
from schemas.partner import Partner
from schemas.records import FeedbackEvent
from schemas.request import Destination, Request, RequestAnswer, RequestReason, RequestState, total
from server.features.requests import holds, places, records as requests, states, views
from server.features.requests.addressee import INSTITUTIONS, addressee, named, not_asked, provider
from server.features.requests.amounts import amount_of_step, too_much
from server.features.requests.demands import rule_on, was_held, word_of
from server.features.requests.limits import DEADLINE_DAYS, HOLD_DAYS, MOST_HOPS, MOST_OF_A_CHAIN
from server.features.requests.notes import RequestNotes
from server.features.requests.opening import opened
from server.features.requests.orders import is_authority_known, needs_confirmation, orderers
from server.features.requests.records import StoredRequest, StoredStep
from server.features.requests.remote import NOTHING, RemoteSide, peer_for, remote_of
from server.features.requests.states import Role
from server.release.context import ReleaseContext
from server.release.gate.leaving import HELD_BEFORE, PASSES, GateDecision, Ruling
from server.release.hooks import HandledObject
from server.release.hub import Hub
from server.release.peers import party_at
from server.release.reasons import Reason
from server.release.results import Published, Results, Unpublished
from server.store import audit, hub_identity, quotas, value_index
from server.store.database.times import micros

_DAY = 86_400_000_000
_MILLISECOND = 1_000
_SECOND = 1_000_000
# The quota of later hops that a partner opens with its responses.
_HOPS = "request-hops"
_LEFT = "not-a-partner: your organisation has left this hub; contact the operator to rejoin"


class RequestIntake:
    """Stores the requests and responses of one partner, in one transaction.

    ``notes`` are the notes for its parties. ``holding`` are the reports for police freezes, by the id of the note that
    asks for each; the caller contributes them. ``lifting`` are the ids of those that have ended; the caller revokes
    them.
    """

    def __init__(self, context: ReleaseContext, partner: Partner, hub: Hub, by: str) -> None:
        """Store for ``partner`` by the limits and allowlists of ``hub``; ``by`` is the actor in the audit trail."""
        self._by = by
        self._context = context
        self._allowlists = hub.allowlists
        self._tx = context.tx
        self._partner = partner
        self._limits = hub.request_limits
        self.notes = RequestNotes()
        self.holding: dict[str, dict[str, Any]] = {}
        self.lifting: list[str] = []

    def take(self, sent: Sequence[HandledObject], results: Results) -> None:
        """Store them one by one, and add their results to ``results``."""
        has_left = self._partner.name in self._context.registry.gone
        for note in sent:
            id_, version = note.item.id, note.item.version
            if has_left:
                results.failed.append(Unpublished(id_, version, _LEFT))
                continue
            try:
                done = self._take(note)
            except Rejected as refusal:
                results.failed.append(Unpublished(id_, version, refusal.message, refusal.reason))
                continue
            if isinstance(done, GateDecision):
                results.held.append(Unpublished(id_, version, done.message, done.code))
            else:
                results.accepted.append(Published(id_, version, done))

    def _take(self, note: HandledObject) -> str | GateDecision:
        """Store a note, and return the message to its sender, or why the gate holds the request."""
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

    def _repeated(self, before: StoredRequest, request: Request) -> str | GateDecision:
        """Return the same message as for the first time, or why the gate holds the request now."""
        sent = _by_identity(request.model_copy(update={"reporter": self._partner.name}))
        asked = _by_identity(views.request_of(before))
        same: dict[str, Any] = {"reported_at": asked.reported_at}
        if was_held(requests.steps(self._tx, [before.id])[before.id]):
            # Its release moved the deadline.
            same["deadline"] = asked.deadline
        if sent.model_copy(update=same) != asked:
            raise Reason.REQUEST_CHANGED.rejected()
        if before.state != RequestState.HELD:
            return _opened(before.id)
        decision = rule_on(self._context, self._allowlists, asked, self._partner)
        return decision if decision.ruling is Ruling.HOLD else HELD_BEFORE

    def _open(self, sent_as: str, request: Request) -> str | GateDecision:
        partner, registry = self._partner, self._context.registry
        if partner.kind not in INSTITUTIONS:
            raise Reason.NO_INSTITUTION.rejected()
        request = request.model_copy(update={"reporter": partner.name})
        self._refuse_order(request)
        self._refuse_times(request)
        self._refuse_many(request)
        earlier = places.check(self._tx, partner.name, request) if request.is_takedown else None
        asked = addressee(registry, request, request.addressee or (earlier.addressee if earlier else None))
        if asked is not None and asked.counts_as == partner.counts_as:
            raise Reason.REQUEST_TO_YOURSELF.rejected()
        decision = self._ruled(request, partner)
        id_ = str(uuid.uuid4())
        self._add(id_, request, asked, sent_as=sent_as, decision=decision)
        meant = (request.addressee, *request.also_to)
        if any(name is not None and named(registry, name) is None for name in meant):
            hub_identity.note_warning(self._tx, hub_identity.UNKNOWN_RECIPIENT, partner=partner.name)
        return _opened(id_) if decision.ruling is Ruling.LEAVES else decision

    def _ruled(self, request: Request, sender: Partner | None) -> GateDecision:
        """Return the gate's decision on a request. Raises ``Rejected`` where the gate refuses it."""
        decision = rule_on(self._context, self._allowlists, request, sender)
        if decision.ruling is Ruling.REFUSE:
            raise Rejected(decision.code, decision.message)
        return decision

    def _refuse_order(self, request: Request) -> None:
        """Refuse an order that the partner has no authority to give."""
        if is_authority_known(self._partner, request) is False:
            kinds = ", ".join(sorted(orderers(request) or ()))
            raise Reason.NO_AUTHORITY.rejected(basis=request.legal_basis, kinds=kinds, of=request.of.kind)

    def _refuse_times(self, request: Request) -> None:
        for name, time, days in (("deadline", request.deadline, DEADLINE_DAYS), ("until", request.until, HOLD_DAYS)):
            if time is not None and not self._context.at < time <= self._context.at + timedelta(days=days):
                raise Reason.REQUEST_TIMES.rejected(name=name, days=days)

    def _refuse_many(self, request: Request) -> None:
        registry, group = self._context.registry, request.is_takedown
        per_day, at_once = self._limits.of_group(takedowns=group)
        organisation, day_ago = self._partner.counts_as, self._context.micros - _DAY
        names = [one.name for one in registry.by_identity.values() if one.counts_as == organisation]
        if per_day and requests.opened_since(self._tx, names, day_ago, takedowns=group) >= per_day:
            raise Reason.TOO_MANY_REQUESTS.rejected(
                most=per_day, per="sent within 24 hours", way="send the others later"
            )
        if at_once and requests.still_open(self._tx, names, takedowns=group) >= at_once:
            raise Reason.TOO_MANY_REQUESTS.rejected(most=at_once, per="open at once", way="close the settled ones")

    def _add(
        self,
        id_: str,
        request: Request,
        asked: Partner | None,
        *,
        sent_as: str,
        earlier: StoredRequest | None = None,
        withheld: bool = False,
        asker: RemoteSide = NOTHING,
        decision: GateDecision = PASSES,
    ) -> StoredRequest:
        """Store a new request of its sender, with all partners that may see it; a ``withheld`` hop waits for
        confirmation. ``asker`` is its sender, if that is at another hub.

        If the gate does not let it leave by its ``decision``, only its sender sees it, and no addressee is asked.
        """
        is_held = decision.ruling is not Ruling.LEAVES
        if is_held:
            asked = None
        moment = _millisecond(self._context.micros)
        sender = request.reporter
        is_here = is_held or asked is not None or request.addressee is not None or request.is_takedown
        peer = None if is_here else peer_for(self._context.peers, request.of)
        remote = asker.model_copy(update={"hub": peer.name, "role": Role.ADDRESSEE}) if peer else asker
        stored = opened(
            request,
            id_,
            moment,
            sender=sender,
            addressee=asked.name if asked else party_at(peer.origin) if peer else None,
            sent_as=sent_as,
            withheld=withheld,
            held=is_held,
            peer=peer.origin if peer else None,
            remote=remote.written(),
        )
        if request.is_takedown:
            stored = places.begun(stored, request, self._context.policy, asked)
        if earlier is None:
            stored = self._held(stored, request, asked)
        else:
            by, hop = self._partner.name, earlier.hop + 1
            stored = stored._replace(chain=earlier.chain, earlier=earlier.id, hop=hop, named_by=by)
        requests.add(self._tx, stored, self._parties(request, asked, asker, held=is_held))
        amount = plain_amount(request.amount) if request.amount else None
        by = views.HUB if withheld or is_held else Role.SENDER
        step = StoredStep(id_, 0, stored.state, moment, by, amount, request.currency)
        requests.add_step(self._tx, step._replace(reason=word_of(decision)) if is_held else step)
        self._audit("HELD" if is_held else "REQUEST", id_)
        self.notes.add(id_, FeedbackEvent.ANSWERED if withheld or is_held else FeedbackEvent.REQUESTED)
        return stored

    def _parties(self, request: Request, asked: Partner | None, asker: RemoteSide, *, held: bool) -> dict[str, str]:
        """Return the partners of this hub that may see a request, with the role of each; of a ``held`` one its
        sender.
        """
        followers = () if held else (named(self._context.registry, name) for name in request.also_to)
        parties = {follower.name: str(Role.FOLLOWER) for follower in followers if follower}
        if asked is not None:
            parties[asked.name] = Role.ADDRESSEE
        if asker.asker is None:
            parties[request.reporter] = Role.SENDER
        return parties

    def _held(self, stored: StoredRequest, request: Request, asked: Partner | None) -> StoredRequest:
        """Hold the money of a police freeze if it has an addressee; a later hop does not hold money by itself."""
        if asked is None or request.until is None or not holds.is_police_freeze(self._partner, request):
            return stored
        followers = (named(self._context.registry, name) for name in request.also_to)
        readers = [asked, *(follower for follower in followers if follower)]
        never = not_asked(self._context.registry, request.of, readers)
        id_ = holds.new_id()
        self.holding[stored.sent_as] = holds.report(id_, self._partner, request, readers, never)
        return stored._replace(hold=id_, hold_until=micros(request.until))

    def _answer(self, note: HandledObject, answer: RequestAnswer) -> str:
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
        state, role = RequestState(stored.state), Role(found)
        if _is_known(steps, sent_as) or (role is Role.ADDRESSEE and places.is_repeated(steps, wanted, answer)):
            return _now(state)
        request = views.request_of(stored)
        states.check(state, wanted, role, takedown=request.is_takedown)
        if role is Role.ADDRESSEE:
            states.check_response(request, state, answer, wanted)
            stored = places.responded(stored, answer, self._context.micros)
        if wanted is RequestState.OPEN:
            stored = self._confirmed(stored, request)
        reason = _reason(state, wanted, answer)
        amount = amount_of_step(request, stored, wanted, answer)
        went_to = self._destinations(stored, request, steps, amount, answer.went_to if answer else ())
        self._store_step(stored, steps, wanted, role, amount, request.currency, reason, went_to, sent_as, answer)
        if wanted is RequestState.CLOSED and stored.hold is not None:
            self.lifting.append(stored.hold)
        return _now(wanted)

    def _confirmed(self, stored: StoredRequest, request: Request) -> StoredRequest:
        """Return a hop that carries the order from now on, with as much time to respond as the one before.

        Raises ``Rejected`` if its value became harmless meanwhile, and operators have not released the hop.
        """
        self._refuse_order(request)
        decision = rule_on(self._context, self._allowlists, request, self._partner)
        if decision.ruling is not Ruling.LEAVES and not was_held(requests.steps(self._tx, [stored.id])[stored.id]):
            raise Rejected(decision.code, decision.message)
        deadline = timestamp.to_millisecond(self._context.at + _window(stored.deadline - stored.opened))
        asked = request.model_copy(update={"deadline": deadline})
        return stored._replace(
            content=views.content_of(asked), deadline=micros(deadline), withheld=False, reminded=False
        )

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
        answer: RequestAnswer | None,
    ) -> None:
        moment = max(_millisecond(self._context.micros), stored.changed + _MILLISECOND)
        written = None if amount is None else plain_amount(amount) if amount else "0"
        followed = json.dumps(went_to, separators=(",", ":"), ensure_ascii=False) if went_to else None
        unit = currency if written else None
        said = answer.payment.model_dump_json(exclude_none=True) if answer and answer.payment else None
        step = StoredStep(stored.id, len(steps), wanted, moment, role, written, unit, reason, followed, sent_as, said)
        step = step._replace(**places.parts(answer))
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
        audit.record_act(self._tx, self._by, what, "request", partner=self._partner.name, reference=id_)

    def _destinations(
        self,
        stored: StoredRequest,
        request: Request,
        steps: Sequence[StoredStep],
        held: Decimal | None,
        went_to: Sequence[Destination],
    ) -> list[dict[str, Any]]:
        """Return the destinations of the money as stored, and ask the next accounts' providers. Raises ``Rejected``."""
        if not went_to:
            return []
        if request.amount is None:
            raise Reason.NO_AMOUNT_TO_FOLLOW.rejected()
        gone = [Decimal(entry["amount"]) for step in steps if step.went_to for entry in json.loads(step.went_to)]
        if sum(gone, held or Decimal(0)) + total(tuple(went_to)) > request.amount:
            raise too_much(request)
        chain = requests.of_chain(self._tx, stored.chain)
        return [self._follow(stored, request, entry, chain) for entry in went_to]

    def _follow(
        self, stored: StoredRequest, request: Request, went_to: Destination, chain: dict[str, StoredRequest]
    ) -> dict[str, Any]:
        """Open the next hop to the account's provider, unless the chain ends here; if it does, say why."""
        details = {"details": dict(went_to.of.details)} if went_to.of.details else {}
        entry: dict[str, Any] = {
            "of": {"kind": went_to.of.kind, "value": went_to.of.value, **details},
            "amount": plain_amount(went_to.amount),
        }
        sender, remote = self._context.registry.partners.get(stored.sender), remote_of(stored)
        asker = RemoteSide(asker=remote.asker, asker_hub=remote.asker_hub)
        asking = asker.asker or sender
        asked = provider(self._context.registry, went_to.of)
        subject = value_index.subject_of(str(went_to.of.kind), str(went_to.of.value))
        if asking is None or stored.state == RequestState.CLOSED:
            return {**entry, "not_asked": "sender-left"}
        if subject in _subjects_before(stored, chain):
            return {**entry, "not_asked": "was-here-before"}
        if stored.hop >= MOST_HOPS:
            return {**entry, "not_asked": "too-many-hops"}
        if len(chain) >= MOST_OF_A_CHAIN:
            return {**entry, "not_asked": "too-many-requests"}
        if asked is not None and sender is not None and asked.counts_as == sender.counts_as:
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
                # It belongs to the payment to the account before.
                "uetr": None,
                "end_to_end_id": None,
                "transaction_hash": None,
                "payment": None,
            }
        )
        chain[id_] = self._add(
            id_,
            following,
            asked,
            sent_as=f"note--{id_}",
            earlier=stored,
            withheld=needs_confirmation(asking.kind, request),
            asker=asker,
            decision=rule_on(self._context, self._allowlists, following, sender),
        )
        return {**entry, "next": id_}

    def _follows_many(self) -> bool:
        """Count a later hop of the responding organisation, and return whether it has used up today's quota.

        It counts for the organisation that names the accounts, so that it cannot use up another's quota.
        """
        most = self._limits.per_day * MOST_HOPS
        organisation, day = self._partner.counts_as, _DAY // _SECOND
        return bool(most) and quotas.charge(self._tx, organisation, _HOPS, 1, limit=most, seconds=day) > 0


def _by_identity(request: Request) -> Request:
    """Return a request that names partners by their identities, as its note does."""
    addressee = None if request.addressee is None else ids.identity_of(request.addressee)
    also_to = tuple(sorted(map(ids.identity_of, request.also_to)))
    return request.model_copy(update={"addressee": addressee, "also_to": also_to})


def _subjects_before(stored: StoredRequest, chain: dict[str, StoredRequest]) -> set[str]:
    """Return the values of a request and of those that it follows."""
    found, at = {stored.subject}, stored
    while at.earlier is not None and at.earlier in chain:
        at = chain[at.earlier]
        found.add(at.subject)
    return found


def _is_known(steps: Sequence[StoredStep], sent_as: str | None) -> bool:
    return sent_as is not None and any(step.sent_as == sent_as for step in steps)


def _reason(state: RequestState, wanted: RequestState, answer: RequestAnswer | None) -> RequestReason | None:
    """Return the reason of a step; who closes a request without one has a default."""
    reason = answer.reason if answer else None
    return states.closing_reason(state) if wanted is RequestState.CLOSED and reason is None else reason


def _window(time: int) -> timedelta:
    """Return the time to respond to a later hop: as long as for the one before (microseconds), within bounds."""
    return min(max(timedelta(microseconds=time), timedelta(hours=1)), timedelta(days=DEADLINE_DAYS))


def _millisecond(moment: int) -> int:
    return moment // _MILLISECOND * _MILLISECOND


def _opened(id_: str) -> str:
    return f"the request {id_} is open; follow it in your collection requests-…"


def _now(state: str) -> str:
    return f"the request is {state}"
