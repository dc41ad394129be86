"""Tell other hubs the side that this hub writes, in the transaction that changes it."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from schemas.request import OF_THE_HUB, REFUSALS, RequestReason, RequestState
from server.features.requests import records as requests, views
from server.features.requests.records import StoredRequest, StoredStep
from server.features.requests.remote import (
    REQUEST,
    RESPONSE,
    Beyond,
    RemoteStep,
    asking,
    closed_side,
    refused_side,
    remote_of,
    request_side,
    response_side,
    secured,
)
from server.features.requests.states import Role
from server.release.context import ReleaseContext
from server.store.peer_messages import messages


def tell(context: ReleaseContext, changed: Sequence[StoredRequest], steps: Mapping[str, list[StoredStep]]) -> None:
    """Tell the hubs concerned what changed; requests without a side at another hub cost no query."""
    roots: dict[str, None] = {}
    for stored in changed:
        remote = remote_of(stored)
        if remote.role is Role.ADDRESSEE:
            _tell_addressee(context, stored, steps[stored.id])
        if remote.asker is not None:
            roots[stored.chain] = None
    for chain in roots:
        _tell_sender(context, chain)


def _tell_addressee(context: ReleaseContext, stored: StoredRequest, steps: Sequence[StoredStep]) -> None:
    peer, remote = stored.peer or "", remote_of(stored)
    if stored.state == RequestState.CLOSED:
        # The other hub knows nothing of a hop that was declined.
        if messages.lock(context.tx, peer, stored.id, REQUEST):
            reason = steps[-1].reason
            side = closed_side(None if reason in REFUSALS | OF_THE_HUB else reason)
            messages.put(context.tx, peer, stored.id, REQUEST, side)
        return
    # Of a chain from a third hub, the other one learns only the institution here that named the account.
    name = stored.named_by if remote.asker is not None else stored.sender
    by = context.registry.partners.get(name or "")
    if stored.state != RequestState.UNCONFIRMED and by is not None:
        follows = remote.asker is not None
        side = request_side(stored, views.request_of(stored), asking(by), follows=follows)
        messages.put(context.tx, peer, stored.id, REQUEST, side)


def _tell_sender(context: ReleaseContext, chain: str) -> None:
    """Tell the sender's hub the steps of the addressee here, and the sums of all requests behind it."""
    root = requests.find(context.tx, [chain])[chain]
    if root.peer is None:
        return
    # Before the sums are read: of two hops that change at the same time, the second adds up both.
    messages.lock(context.tx, root.peer, root.sent_as, RESPONSE)
    behind = {id_: hop for id_, hop in requests.of_chain(context.tx, chain).items() if id_ != chain}
    told = requests.steps(context.tx, [chain])[chain]
    steps = [step for step in told if step.by == Role.ADDRESSEE]
    if not steps:
        # Operators did not release it: what they know of the value stays here.
        not_released = told[-1].reason == RequestReason.NOT_RELEASED
        reason = RequestReason.NOT_ACCEPTED if not_released else told[-1].reason
        if reason in REFUSALS:
            side = refused_side(RequestReason(reason))
            messages.put(context.tx, root.peer, root.sent_as, RESPONSE, side)
        return
    sent = [
        RemoteStep(
            state=RequestState(step.state),
            amount=Decimal(step.amount) if step.amount else None,
            currency=step.currency or None,
            reason=RequestReason(step.reason) if step.reason else None,
        )
        for step in steps
    ]
    beyond = Beyond(
        went_on=sum((Decimal(entry["amount"]) for step in steps for entry in views.went_to(step)), Decimal(0)),
        held=sum((secured(hop) + remote_of(hop).held for hop in behind.values()), Decimal(0)),
        done=sum((Decimal(hop.done or 0) + remote_of(hop).done for hop in behind.values()), Decimal(0)),
    )
    messages.put(context.tx, root.peer, root.sent_as, RESPONSE, response_side(sent, beyond))
