"""The requests as each of their parties may see them."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from mappers.request_note import RequestView, Step
from schemas.request import Request, RequestState
from server.release.requests.states import Role
from server.store.database.times import moment
from server.store.requests.requests import UNANSWERED, StoredRequest, StoredStep

KEEPER = "keeper"


def request_of(stored: StoredRequest) -> Request:
    """Return what was asked."""
    return Request.model_validate_json(stored.content)


def content_of(request: Request) -> str:
    """Return a request as it is stored."""
    return request.model_dump_json(exclude_none=True)


def view(stored: StoredRequest, steps: Sequence[StoredStep], role: str, at: int) -> RequestView:
    """Return a request as a partner in that role may see it at a moment (microseconds).

    The addressee of a hop learns of no other hop: neither the request that its own follows, nor those that follow it.
    """
    request, is_asked = request_of(stored), role == Role.ADDRESSEE
    return RequestView(
        id=stored.id,
        role=role,
        sender=stored.sender,
        request=request,
        addressee=request.addressee or KEEPER,
        state=RequestState(stored.state),
        opened=moment(stored.opened),
        changed=moment(stored.changed),
        steps=[_step(step, is_asked=is_asked) for step in steps],
        agreed=stored.agreed,
        done=stored.done,
        overdue=stored.state in UNANSWERED and stored.deadline <= at,
        hop=stored.hop,
        chain=None if is_asked else stored.chain,
        earlier=None if is_asked else stored.earlier,
    )


def _step(step: StoredStep, *, is_asked: bool) -> Step:
    went_to: list[dict[str, Any]] = json.loads(step.went_to) if step.went_to else []
    return Step(
        RequestState(step.state),
        moment(step.at),
        step.by,
        step.amount,
        step.currency,
        step.reason,
        [_without_next(entry) for entry in went_to] if is_asked else went_to,
    )


def _without_next(went_to: Mapping[str, Any]) -> dict[str, Any]:
    return {name: went_to[name] for name in ("of", "amount")}
