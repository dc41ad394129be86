"""The states of a request, and the roles that may change them; without store or clock."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from schemas.request import STATE_OF, Request, RequestAnswer, RequestReason, RequestState, RequestWord
from schemas.takedown import OF_RESTORE, TakedownResponse
from server.release.reasons import Reason


class Role(StrEnum):
    """A partner's role in a request: its sender, its addressee, or one that the sender lets follow it."""

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
# A takedown request is done with its response. The host may change what it did, or act after it refused.
_HOSTS: Mapping[RequestState, tuple[RequestState, ...]] = MappingProxyType(
    {
        RequestState.OPEN: (RequestState.ACKNOWLEDGED, RequestState.DONE, RequestState.DISAGREED),
        RequestState.ACKNOWLEDGED: (RequestState.ACKNOWLEDGED, RequestState.DONE, RequestState.DISAGREED),
        RequestState.DONE: (RequestState.DONE,),
        RequestState.DISAGREED: (RequestState.DONE,),
    }
)
_ANSWERED = (RequestState.DISAGREED, RequestState.DONE)


def allowed(state: RequestState, role: Role, *, takedown: bool = False) -> tuple[RequestState, ...]:
    """Return the states to which a partner in that role may take a request."""
    match role:
        case Role.ADDRESSEE:
            return (_HOSTS if takedown else _ADDRESSEES).get(state, ())
        case Role.SENDER if state is RequestState.UNCONFIRMED:
            return RequestState.OPEN, RequestState.CLOSED
        case Role.SENDER:
            return () if state is RequestState.CLOSED else (RequestState.CLOSED,)
    return ()


def check(state: RequestState, wanted: RequestState, role: Role, *, takedown: bool = False) -> None:
    """Refuse a step that a partner in that role may not take. Raises ``Rejected``, which names the allowed steps."""
    may = allowed(state, role, takedown=takedown)
    if wanted in may:
        return
    named = ", ".join(may) or "nothing more"
    other = Role.SENDER if wanted in (RequestState.OPEN, RequestState.CLOSED) else Role.ADDRESSEE
    if role is not other:
        raise Reason.NOT_THE_PARTY.rejected(by=other, role=role, allowed=named)
    raise Reason.WRONG_STEP.rejected(state=state, wanted=wanted, role=role, allowed=named)


def check_response(request: Request, state: RequestState, answer: RequestAnswer | None, wanted: RequestState) -> None:
    """Refuse a response of the addressee that does not fit the request. Raises ``Rejected``."""
    response = answer.response if answer else None
    if not request.is_takedown:
        if response is not None:
            raise Reason.RESPONSE_MISPLACED.rejected()
        return
    is_same = wanted is RequestState.ACKNOWLEDGED and state is RequestState.ACKNOWLEDGED
    if response is None:
        if wanted is not RequestState.ACKNOWLEDGED or is_same:
            raise Reason.RESPONSE_NEEDED.rejected(allowed=", ".join(responses(request, state)))
    elif response not in responses(request, state):
        raise Reason.WRONG_RESPONSE.rejected(wanted=response, allowed=", ".join(responses(request, state)))


def responses(request: Request, state: RequestState) -> tuple[TakedownResponse, ...]:
    """Return the responses that fit a takedown request in that state."""
    may = set(allowed(state, Role.ADDRESSEE, takedown=True))
    fitting = OF_RESTORE if request.asks is RequestWord.RESTORE else frozenset(TakedownResponse)
    if request.asks is not RequestWord.RESTORE and state is not RequestState.DONE:
        fitting -= {TakedownResponse.RESTORED}
    return tuple(word for word in TakedownResponse if word in fitting and STATE_OF[word] in may)


def closing_reason(state: RequestState) -> RequestReason:
    """Return why a sender closes a request in that state, if the sender does not say."""
    if state is RequestState.UNCONFIRMED:
        return RequestReason.DECLINED
    return RequestReason.SETTLED if state in _ANSWERED else RequestReason.WITHDRAWN
