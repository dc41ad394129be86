"""The amounts of the steps of a request."""

from decimal import Decimal

from schemas.errors import Rejected
from schemas.fields import plain_amount
from schemas.request import Request, RequestAnswer, RequestState, total
from server.features.requests.records import StoredRequest
from server.release.reasons import Reason


def amount_of_step(
    request: Request, stored: StoredRequest, wanted: RequestState, answer: RequestAnswer | None
) -> Decimal | None:
    """Return the amount agreed or done; by default all that is left of the requested amount.

    Raises ``Rejected`` for another currency, and for a larger amount.
    """
    if wanted not in (RequestState.AGREED, RequestState.DONE) or answer is None:
        return None
    most = Decimal(stored.agreed) if wanted is RequestState.DONE and stored.agreed else request.amount
    if answer.amount is None:
        left = total(answer.went_to)
        return most if most is None or wanted is RequestState.DONE else max(most - left, Decimal(0))
    if request.currency is not None and answer.currency != request.currency:
        raise too_much(request)
    if most is not None and answer.amount > most:
        raise too_much(request)
    return answer.amount


def too_much(request: Request) -> Rejected:
    """Return the error for an amount in another currency, or for more than the request is about."""
    amount = f"{plain_amount(request.amount)} {request.currency}" if request.amount else "money"
    return Reason.WRONG_AMOUNT.rejected(amount=amount, of="the request names")
