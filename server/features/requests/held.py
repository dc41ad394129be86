"""Requests that the gate holds: two operators release an order, one releases a notice, and one refuses either."""

from collections.abc import Sequence
from datetime import timedelta

from schemas import timestamp
from schemas.records import FeedbackEvent
from schemas.request import Request, RequestReason, RequestState
from server.features.requests import places, records as requests, views
from server.features.requests.addressee import addressee
from server.features.requests.ageing import close_for_hub, next_moment
from server.features.requests.assign import add_followers, give
from server.features.requests.demands import is_order
from server.features.requests.notes import RequestNotes
from server.features.requests.records import StoredRequest, StoredStep
from server.features.requests.remote import peer_for, remote_of
from server.features.requests.states import Role
from server.operations.dual_control import Arguments, DualControlAction, Effects, Signatures
from server.release.context import ReleaseContext, open_context
from server.release.hub import Hub
from server.release.peers import party_at
from server.release.reasons import Reason
from server.store.database.engine import Tx
from server.store.database.times import micros
from server.store.proposals.proposals import Effect

_MICROSECOND = timedelta(microseconds=1)


def find(tx: Tx, id_: str) -> StoredRequest:
    """Return a held request. Raises ``Rejected`` if there is none with this id."""
    stored = requests.find(tx, [id_]).get(id_)
    if stored is None or stored.state != RequestState.HELD:
        raise Reason.UNKNOWN_REQUEST.rejected()
    return stored


def _locked(tx: Tx, id_: str) -> StoredRequest:
    """Return a held request, which no other transaction decides on any longer. Raises ``Rejected``."""
    stored = requests.lock(tx, id_)
    if stored is None or stored.state != RequestState.HELD:
        raise Reason.UNKNOWN_REQUEST.rejected()
    return stored


def is_held_order(stored: StoredRequest) -> bool:
    """Return whether a held request is an order, which only two operators release."""
    return is_order(views.request_of(stored))


def release(hub: Hub, tx: Tx, id_: str) -> StoredRequest:
    """Send a held request to its addressee, with as much time to respond as it had when it was sent.

    Like other requests, it opens without an addressee if none is known. Raises ``Rejected``.
    """
    stored = _locked(tx, id_)
    moment, context = next_moment(stored), open_context(hub, tx)
    state = RequestState.UNCONFIRMED if stored.withheld else RequestState.OPEN
    requests.add_step(tx, StoredStep(id_, len(requests.steps(tx, [id_])[id_]), state, moment, views.HUB))
    request = _with_time(views.request_of(stored), moment - stored.opened)
    deadline = stored.deadline if request.deadline is None else micros(request.deadline)
    stored = stored._replace(
        state=state, changed=moment, content=views.content_of(request), deadline=max(deadline, moment)
    )
    asked = addressee(context.registry, request, _restored_from(tx, request))
    if stored.is_unserved:
        stored = places.begun(stored, request, context.policy, asked)
    if asked is None:
        stored = _to_other_hub(context, stored, request)
    requests.change(tx, stored)
    if asked is not None:
        return give(hub, tx, context, stored, asked)
    add_followers(context, stored, request)
    notes = RequestNotes()
    notes.add(id_, FeedbackEvent.ANSWERED)
    notes.publish(context)
    return stored


def _to_other_hub(context: ReleaseContext, stored: StoredRequest, request: Request) -> StoredRequest:
    """Return a request of this hub as it goes to the hub that has the provider of the account, if there is one."""
    if request.is_takedown or request.addressee is not None or stored.peer is not None:
        return stored
    peer = peer_for(context.peers, request.of)
    if peer is None:
        return stored
    remote = remote_of(stored).model_copy(update={"hub": peer.name, "role": Role.ADDRESSEE})
    return stored._replace(addressee=party_at(peer.origin), peer=peer.origin, remote=remote.written())


def refuse(hub: Hub, tx: Tx, id_: str) -> StoredRequest:
    """Close a held request: no addressee is asked, and its sender reads why. Raises ``Rejected``."""
    _locked(tx, id_)
    close_for_hub(hub, tx, id_, RequestReason.NOT_RELEASED)
    return requests.find(tx, [id_])[id_]


def _with_time(request: Request, waited: int) -> Request:
    """Return a request whose deadline is later by the time (microseconds) for which it was held."""
    if request.deadline is None or request.is_takedown:
        return request
    later = timestamp.to_millisecond(request.deadline + waited * _MICROSECOND)
    return request.model_copy(update={"deadline": later})


def _restored_from(tx: Tx, request: Request) -> str | None:
    if request.restores is None:
        return request.addressee
    earlier = requests.find(tx, [request.restores]).get(request.restores)
    return request.addressee or (earlier.addressee if earlier else None)


def _effects(hub: Hub, tx: Tx, arguments: Arguments) -> Effects:
    """Return the request that is released. Raises ``Rejected`` if it is no longer held."""
    stored = find(tx, str(arguments["id"]))
    request = views.request_of(stored)
    shown = {
        **{"kind": str(request.of.kind), "value": str(request.of.value), "partner": stored.sender},
        **{"asks": str(request.asks)},
    }
    return Effects([Effect("request-released", shown)], [stored.id, stored.changed])


def _carry_out(hub: Hub, tx: Tx, arguments: Arguments, signatures: Signatures) -> Sequence[Effect]:
    stored = release(hub, tx, str(arguments["id"]))
    return [Effect("request", {"id": stored.id})]


RELEASE = DualControlAction("release-request", _effects, _carry_out)
