"""Takedown requests of the hub itself, and responses of addressees that are no partners of it."""

import uuid
from collections.abc import Iterable

from schemas import timestamp
from schemas.records import FeedbackEvent
from schemas.request import Request, RequestAnswer, RequestReason, RequestState, RequestWord
from schemas.takedown import IN_EFFECT, TakedownBasis
from server.features.requests import places, records as requests, states, views
from server.features.requests.addressee import addressee
from server.features.requests.ageing import close_for_hub
from server.features.requests.notes import RequestNotes
from server.features.requests.opening import opened
from server.features.requests.records import HELD, HUB_SENDER, OUTSIDE, UNANSWERED, StoredRequest, StoredStep
from server.features.requests.states import Role
from server.release.context import open_context
from server.release.hub import Hub
from server.release.reasons import Reason
from server.store import audit
from server.store.database.engine import Tx
from server.store.database.times import now

_MILLISECOND = 1_000
_SENDER_AS_REPORTER = "hub"
_IN_EFFECT = frozenset(map(str, IN_EFFECT))


def send_for_hub(
    hub: Hub,
    tx: Tx,
    request: Request,
    *,
    outside: str = "",
    to: str | None = None,
    sent_as: str = "",
    follower: str | None = None,
) -> StoredRequest:
    """Send a takedown request whose sender is the hub. Sending under a used id ``sent_as`` changes nothing.

    It goes to the partner ``to``, to an addressee ``outside`` the hub, or else to the provider of the value.
    ``follower`` is a partner that may follow it. Raises ``Rejected``.
    """
    if not request.is_takedown or request.basis is TakedownBasis.ORDER:
        raise Reason.NO_INSTITUTION.rejected()
    id_ = str(uuid.uuid4())
    sent_as = sent_as or f"note--{id_}"
    if (before := requests.sent(tx, HUB_SENDER, sent_as)) is not None:
        return before
    context = open_context(hub, tx)
    request = request.model_copy(update={"reporter": _SENDER_AS_REPORTER})
    asked = None if outside else addressee(context.registry, request, to)
    moment = context.micros // _MILLISECOND * _MILLISECOND
    stored = places.begun(
        opened(
            request,
            id_,
            moment,
            sender=HUB_SENDER,
            addressee=asked.name if asked else f"{OUTSIDE}{outside}" if outside else None,
            sent_as=sent_as,
        ),
        request,
        context.policy,
        asked,
    )
    parties = {follower: str(Role.FOLLOWER)} if follower in context.registry.partners and follower else {}
    parties |= {asked.name: str(Role.ADDRESSEE)} if asked else {}
    requests.add(tx, stored, parties)
    requests.add_step(tx, StoredStep(id_, 0, stored.state, moment, views.HUB))
    audit.record_act(tx, audit.HUB, "REQUEST", "request", partner=asked.name if asked else None, reference=id_)
    notes = RequestNotes()
    notes.add(id_, FeedbackEvent.REQUESTED)
    notes.publish(context)
    return stored


def restore(
    hub: Hub, tx: Tx, found: Iterable[StoredRequest], reference: str, why: RequestReason
) -> list[StoredRequest]:
    """Undo takedown requests about a value that is no longer listed; requests to restore stay as they are.

    Open ones are closed with the reason ``why``. The addressee of one that took effect is asked to restore what it did.
    Return the requests to restore; a second call returns those of the first. ``reference`` is the hub's number of the
    case.
    """
    made: list[StoredRequest] = []
    for stored in found:
        if stored.asks == RequestWord.RESTORE:
            continue
        if stored.state in (HELD, *UNANSWERED):
            close_for_hub(hub, tx, stored.id, why)
        if stored.response in _IN_EFFECT:
            asked = views.request_of(stored)
            undo = asked.model_copy(
                update={
                    **{"asks": RequestWord.RESTORE, "basis": TakedownBasis.NOTICE, "restores": stored.id},
                    **{"legal_basis": None, "legal_reference": None, "authority": None, "also_to": ()},
                    **{"explanation": (), "evidence": (), "deadline": None, "allowed": None},
                    **{"reference": reference, "reported_at": timestamp.now()},
                }
            )
            is_outside = (stored.addressee or "").startswith(OUTSIDE)
            made.append(
                send_for_hub(
                    hub,
                    tx,
                    undo,
                    outside=(stored.addressee or "").removeprefix(OUTSIDE) if is_outside else "",
                    to=None if is_outside else stored.addressee,
                    sent_as=f"restore--{stored.id}",
                    follower=None if stored.sender == HUB_SENDER else stored.sender,
                )
            )
    return made


def record_response(hub: Hub, tx: Tx, id_: str, answer: RequestAnswer) -> StoredRequest:
    """Store the response of an addressee that is no partner of this hub. Raises ``Rejected``."""
    stored = requests.lock(tx, id_)
    is_outside = stored is not None and (stored.addressee is None or stored.addressee.startswith(OUTSIDE))
    if stored is None or stored.asks is None or not is_outside:
        raise Reason.UNKNOWN_REQUEST.rejected()
    request, state = views.request_of(stored), RequestState(stored.state)
    states.check(state, answer.state, Role.ADDRESSEE, takedown=True)
    states.check_response(request, state, answer, answer.state)
    at = now()
    moment = max(at // _MILLISECOND * _MILLISECOND, stored.changed + _MILLISECOND)
    number = len(requests.steps(tx, [id_])[id_])
    step = StoredStep(id_, number, answer.state, moment, Role.ADDRESSEE, reason=answer.reason)
    requests.add_step(tx, step._replace(**places.parts(answer)))
    changed = places.responded(stored, answer, at)._replace(state=answer.state, changed=moment)
    requests.change(tx, changed)
    notes = RequestNotes()
    notes.add(id_, FeedbackEvent.ANSWERED)
    notes.publish(open_context(hub, tx))
    return changed
