"""The states of a request, and who may take it from one to the next; without store or clock."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from schemas.request import RequestReason, RequestState
from server.release.reasons import Reason


class Role(StrEnum):
    """The part that a partner has in a request: its sender, its addressee, or one that the sender lets follow it."""

    SENDER = "sender"
    ADDRESSEE = "addressee"
    FOLLOWER = "follower"


_ADDRESSEES: Mapping[RequestState, tuple[RequestState, ...]] = MappingProxyType(
    {
        RequestState.OPEN: (RequestState.ACKNOWLEDGED, RequestState.AGREED, RequestState.DISAGREED),
        RequestState.ACKNOWLEDGED: (RequestState.AGREED, RequestState.DISAGREED),
        RequestState.AGREED: (RequestState.DONE,),
    }
)
_ANSWERED = (RequestState.DISAGREED, RequestState.DONE)


def allowed(state: RequestState, role: Role) -> tuple[RequestState, ...]:
    """Return the states to which a partner in that role may take a request."""
    match role:
        case Role.ADDRESSEE:
            return _ADDRESSEES.get(state, ())
        case Role.SENDER:
            return () if state is RequestState.CLOSED else (RequestState.CLOSED,)
    return ()


def check(state: RequestState, wanted: RequestState, role: Role) -> None:
    """Refuse a step that a partner in that role may not take. Raises ``Rejected``, which names those that it may."""
    may = allowed(state, role)
    if wanted in may:
        return
    named = ", ".join(may) or "nothing more"
    other = Role.SENDER if wanted is RequestState.CLOSED else Role.ADDRESSEE
    if role is not other:
        raise Reason.NOT_THE_PARTY.rejected(by=other, role=role, allowed=named)
    raise Reason.WRONG_STEP.rejected(state=state, wanted=wanted, role=role, allowed=named)


def closing_reason(state: RequestState) -> RequestReason:
    """Return why a sender closes a request in that state, where it does not say so."""
    return RequestReason.SETTLED if state in _ANSWERED else RequestReason.WITHDRAWN
