"""Takedown requests: their location, the time for a response, and the parts of a response that are stored."""

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from schemas import kinds
from schemas.errors import Rejected
from schemas.partner import Partner
from schemas.records import Subject
from schemas.request import Request, RequestAnswer, RequestState
from schemas.takedown import TakedownBasis, TakedownResponse
from server.features.requests import records as requests
from server.features.requests.limits import MOST_RESPONSES, SERVICE_DAYS
from server.features.requests.records import StoredRequest, StoredStep
from server.features.requests.states import Role
from server.release.reasons import Reason
from server.release.route.deadlines import time_allowed
from server.release.route.policy import Policy
from server.store import value_index
from server.store.database.engine import Tx
from server.store.database.times import micros

_MICROSECOND = timedelta(microseconds=1)
_DAY = 86_400_000_000
# The shortest time for a response where a deadline is near.
_LEAST = timedelta(minutes=30)


def check(tx: Tx, sender: str, request: Request) -> StoredRequest | None:
    """Return the request that one to restore undoes, None for others.

    Refuse a location of another value, and a restore of nothing that the sender asked. Raises ``Rejected``.
    """
    if not _is_location_of(request.of, request.location or ""):
        raise Reason.WRONG_LOCATION.rejected()
    if request.restores is None:
        return None
    earlier = requests.find(tx, [request.restores]).get(request.restores)
    is_own = earlier is not None and earlier.sender == sender and earlier.asks is not None
    subject = None if earlier is None else earlier.subject
    if not is_own or subject != _subject(request):
        raise Reason.NOTHING_TO_RESTORE.rejected()
    return earlier


def _is_location_of(of: Subject, location: str) -> bool:
    """Return whether a location is a spelling of the value; a local number is one of the value's country."""
    kind, value = kinds.get(str(of.kind)), str(of.value)
    for details in (dict(of.details), {**of.details, "country": kind.country_of(value) or ""}):
        try:
            located = Subject.model_validate({"kind": kind.name, "value": location, "details": details})
        except (ValueError, Rejected):
            continue
        if located.kind == kind.name and kind.key(str(located.value)) == kind.key(value):
            return True
    return False


def begun(stored: StoredRequest, request: Request, policy: Policy, asked: Partner | None) -> StoredRequest:
    """Return a takedown request with the time that ``asked`` has for a response, which begins when it is served."""
    wanted = request.allowed
    if request.deadline is not None:
        wanted = max(timedelta(microseconds=micros(request.deadline) - stored.opened), _LEAST)
    basis, country = request.basis or TakedownBasis.NOTICE, asked.country if asked else None
    time = time_allowed(policy.deadlines, basis, request.asks, country, wanted) // _MICROSECOND
    return stored._replace(
        asks=str(request.asks),
        basis=str(request.basis),
        case_number=request.reference,
        allowed=time,
        # Anew if it was held, or has another addressee.
        deadline=max(stored.opened, stored.changed) + SERVICE_DAYS * _DAY + time,
    )


def served(stored: StoredRequest, by: str, at: int) -> StoredRequest:
    """Return a takedown request whose time for a response runs from the moment ``at``; one that is served as it is."""
    if not stored.is_unserved:
        return stored
    at = max(at, stored.opened)
    return stored._replace(served_at=at, served_by=by, deadline=at + (stored.allowed or 0), reminded=False)


def reopened(stored: StoredRequest, at: int) -> StoredRequest:
    """Return a takedown request that is asked again at the moment ``at``, with as much time as before."""
    waits = SERVICE_DAYS * _DAY if stored.is_unserved else 0
    deadline = at + waits + (stored.allowed or 0)
    state = str(RequestState.OPEN)
    return stored._replace(state=state, response=None, responded_at=None, deadline=deadline, reminded=False)


def responded(stored: StoredRequest, answer: RequestAnswer | None, at: int) -> StoredRequest:
    """Return a takedown request with the addressee's newest response; who responds was served."""
    if stored.asks is None:
        return stored
    stored = served(stored, "response", at)
    if answer is None or answer.response is None:
        return stored
    is_first = answer.response is not TakedownResponse.MORE_NEEDED and stored.responded_at is None
    return stored._replace(response=str(answer.response), responded_at=at if is_first else stored.responded_at)


def is_repeated(steps: Sequence[StoredStep], wanted: RequestState, answer: RequestAnswer | None) -> bool:
    """Return whether the addressee of a takedown request repeats its last response. Raises ``Rejected`` for too many.

    A host may change its response as often as it acts differently, but not without end.
    """
    said, last = parts(answer), steps[-1]
    if not said:
        return False
    now_said = (Role.ADDRESSEE, wanted, answer.reason if answer else None, said["response"], said["responded"])
    if now_said == (last.by, last.state, last.reason, last.response, last.responded):
        return True
    if sum(step.by == Role.ADDRESSEE for step in steps) >= MOST_RESPONSES:
        raise Reason.TOO_MANY_RESPONSES.rejected(most=MOST_RESPONSES)
    return False


def parts(answer: RequestAnswer | None) -> dict[str, Any]:
    """Return the columns of a step for the response to a takedown request."""
    if answer is None or answer.response is None:
        return {}
    names = ("reference", "territory", "right_addressee")
    said = {name: value for name, value in answer.model_dump(mode="json").items() if name in names and value}
    written = json.dumps(said, separators=(",", ":"), ensure_ascii=False) if said else None
    return {"response": str(answer.response), "responded": written}


def _subject(request: Request) -> str:
    return value_index.subject_of(str(request.of.kind), str(request.of.value))
