"""Codes of ISO 20022 for the words of requests and of responses to them."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from schemas.payment import PROPRIETARY
from schemas.request import RequestReason, RequestState

# The reason of a cancellation by which a message asks for a freeze; without it, it asks for a return.
FREEZE: Final = "FREEZE"
# The reason of a return that follows a request.
FOLLOWING_REQUEST: Final = "FOCR"
# In the codes of external sets: the status of a case, and that of a transaction.
PENDING, ACCEPTED, REJECTED = "PDCR", "ACCR", "RJCR"
CANCELLED, PARTLY = "CNCL", "PECR"

STATES: Mapping[str, RequestState] = MappingProxyType(
    {
        PENDING: RequestState.ACKNOWLEDGED,
        ACCEPTED: RequestState.AGREED,
        CANCELLED: RequestState.AGREED,
        PARTLY: RequestState.AGREED,
        REJECTED: RequestState.DISAGREED,
    }
)

# ExternalPaymentCancellationRejection1Code. Other words are written as proprietary reasons.
_CODE_OF: Mapping[RequestReason, str] = MappingProxyType(
    {
        RequestReason.NO_FUNDS: "AM04",
        RequestReason.NOT_OURS: "NOOR",
        RequestReason.ACCOUNT_CLOSED: "AC04",
        RequestReason.HOLDER_LEGITIMATE: "CUST",
        RequestReason.NO_LEGAL_BASIS: "LEGL",
        RequestReason.INSUFFICIENT_EVIDENCE: "AGNT",
    }
)
_REASON_OF = {code: reason for reason, code in _CODE_OF.items()} | {
    f"{PROPRIETARY}{reason.upper()}": reason for reason in RequestReason
}


def reason_of(code: str | None) -> RequestReason:
    """Return the reason that a code means; ``other`` for codes without a word of ours."""
    return _REASON_OF.get(code or "", RequestReason.OTHER)


def code_of(reason: str) -> str:
    """Return the code of a reason, or its word as a proprietary one."""
    return _CODE_OF.get(RequestReason(reason), f"{PROPRIETARY}{reason.upper()}")
