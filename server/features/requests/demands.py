"""The gate's decision on a request before an addressee is asked, and its reason in the steps of the request."""

from collections.abc import Iterable

from schemas.partner import Partner
from schemas.request import Request, RequestReason, RequestState, RequestWord
from schemas.takedown import TakedownBasis
from server.features.requests.orders import ORDERS
from server.features.requests.records import StoredStep
from server.release.context import ReleaseContext
from server.release.gate.leaving import GateDecision, Leaving, Purpose, may_leave
from server.release.guard.allowlists.lookup import Allowlists
from server.release.reasons import Reason

# Acts against the holder of a value. The others change nothing for the holder, or undo such an act.
_RESTRICTING = frozenset(
    {
        RequestWord.FREEZE,
        RequestWord.TAKE_DOWN,
        RequestWord.SUSPEND,
        RequestWord.DISCONNECT,
        RequestWord.BLOCK_PAGE,
    }
)
# A coercion has the same word as a value found wrong: not all parties may read of it.
_REASONS = dict.fromkeys((Reason.DEMAND_HELD.code, Reason.HOLDER_COERCED.code), RequestReason.FOUND_WRONG)


def rule_on(context: ReleaseContext, allowlists: Allowlists, request: Request, sender: Partner | None) -> GateDecision:
    """Return the gate's decision on a request that ``sender`` has the authority to send; None if it is no partner."""
    restricts = request.asks in _RESTRICTING
    purpose = Purpose.READ
    if restricts:
        purpose = Purpose.DEMAND_BY_ORDER if is_order(request) else Purpose.DEMAND_BY_NOTICE
    blocks_domain = request.asks is RequestWord.BLOCK_PAGE and request.of.kind == "domain"
    return may_leave(context, allowlists, Leaving(request.of, purpose, sender, restricts, blocks_domain))


def is_order(request: Request) -> bool:
    """Return whether a request is an order of an authority."""
    return request.basis is TakedownBasis.ORDER or request.legal_basis in ORDERS


def word_of(decision: GateDecision) -> RequestReason:
    """Return the reason of a decision for the parties to read: for any list, that the value is harmless."""
    return _REASONS.get(decision.code, RequestReason.HARMLESS_VALUE)


def was_held(steps: Iterable[StoredStep], why: RequestReason | None = None) -> bool:
    """Return whether the gate held a request at any time, for the reason ``why`` if one is given."""
    return any(step.state == RequestState.HELD and why in (None, step.reason) for step in steps)
