"""Requests as each of their parties may see them."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from mappers import ids
from mappers.notes import RequestStep, RequestView
from schemas.partner import Partner
from schemas.request import Request, RequestState
from server.features.requests.orders import is_authority_known
from server.features.requests.records import HUB_SENDER, OUTSIDE, UNANSWERED, StoredRequest, StoredStep
from server.features.requests.remote import RemoteSide, remote_of
from server.features.requests.states import Role
from server.store.database.times import moment

PROVIDER = "keeper"
HUB = "hub"


def request_of(stored: StoredRequest) -> Request:
    """Return the request's content."""
    return Request.model_validate_json(stored.content)


def content_of(request: Request) -> str:
    """Return a request as it is stored."""
    return request.model_dump_json(exclude_none=True)


def is_withheld(stored: StoredRequest, role: str) -> bool:
    """Return whether the order is hidden from a party: the addressee of a hop that its sender did not confirm."""
    return role == Role.ADDRESSEE and stored.withheld


def went_to(step: StoredStep) -> list[dict[str, Any]]:
    """Return the accounts that money went to, as a step names them."""
    found: list[dict[str, Any]] = json.loads(step.went_to) if step.went_to else []
    return found


def view(stored: StoredRequest, steps: Sequence[StoredStep], role: str, at: int, sender: Partner | None) -> RequestView:
    """Return a request as a partner in that role may see it at a moment (microseconds); None is a sender that left.

    The addressee of a hop sees no other hop: neither the request before its own, nor those after it.
    """
    request, is_asked, withheld = request_of(stored), role == Role.ADDRESSEE, is_withheld(stored, role)
    remote = remote_of(stored)
    return RequestView(
        id=stored.id,
        role=role,
        sender=_sender(stored, remote, withheld=withheld),
        request=request,
        addressee=_addressee(stored, request),
        state=RequestState(stored.state),
        opened=moment(stored.opened),
        changed=moment(stored.changed),
        steps=[_step(step, is_asked=is_asked) for step in steps],
        agreed=stored.agreed,
        done=stored.done,
        overdue=stored.state in UNANSWERED and stored.deadline <= at and not stored.is_unserved,
        hop=stored.hop,
        chain=None if is_asked else stored.chain,
        earlier=None if is_asked else stored.earlier,
        named_by=stored.named_by,
        withheld=withheld,
        authority_known=is_authority_known(sender, request),
        hub=None if withheld else remote.hub or remote.asker_hub or None,
        beyond=None if is_asked else _beyond(remote),
        due=None if stored.is_unserved else moment(stored.deadline),
        response=stored.response,
        served_at=None if stored.served_at is None else moment(stored.served_at),
        served_by=stored.served_by,
    )


def _sender(stored: StoredRequest, remote: RemoteSide, *, withheld: bool) -> str:
    if withheld:
        return stored.named_by or HUB
    return HUB if stored.sender == HUB_SENDER else remote.sender or stored.sender


def _addressee(stored: StoredRequest, request: Request) -> str:
    if stored.addressee is not None and stored.addressee.startswith(OUTSIDE):
        return stored.addressee.removeprefix(OUTSIDE)
    # A note names a partner by its identity. A partner that an operator assigned stays unnamed.
    if stored.addressee is not None and ids.identity(stored.addressee) == request.addressee:
        return stored.addressee
    return request.addressee or PROVIDER


def _beyond(remote: RemoteSide) -> dict[str, Any] | None:
    """Return the sums of money that went on from another hub's bank, None if none did."""
    beyond = remote.beyond if remote.role is Role.ADDRESSEE else None
    return beyond._asdict() if beyond and beyond.went_on else None


def _step(step: StoredStep, *, is_asked: bool) -> RequestStep:
    destinations = went_to(step)
    return RequestStep(
        RequestState(step.state),
        moment(step.at),
        step.by,
        step.amount,
        step.currency,
        step.reason,
        [_without_next(entry) for entry in destinations] if is_asked else destinations,
        json.loads(step.payment) if step.payment else None,
        step.response,
        **(json.loads(step.responded) if step.responded else {}),
    )


def _without_next(destination: Mapping[str, Any]) -> dict[str, Any]:
    return {name: destination[name] for name in ("of", "amount")}
