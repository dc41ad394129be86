"""Answered requests, and their observers."""

from typing import NamedTuple, Protocol

from server.store.credentials import UsedLogin

# Methods that anybody can invent must not make metrics without end.
_KNOWN_METHODS = frozenset(("GET", "POST", "DELETE", "HEAD", "OPTIONS", "PUT", "PATCH"))


class AnsweredRequest(NamedTuple):
    """An answered request, without any value of its URL or its body.

    ``route`` is the name of a route, never a URL; ``collection`` the id of one that the partner may know of;
    ``read_to`` up to which ``date_added`` (microseconds) the partner now has read the collection; ``remote`` the
    address that the request comes from; ``login`` the credential that the partner proved itself by. ``sandbox_after``
    is the place after which a page of a sandbox begins, and ``agent`` how its client names itself; None and "" for all
    else.
    """

    partner: str | None
    method: str
    route: str
    collection: str | None
    status: int
    seconds: float
    objects_in: int
    objects_out: int
    read_to: int | None
    remote: str
    error_id: str | None
    login: UsedLogin | None = None
    sandbox_after: int | None = None
    agent: str = ""


class RequestObserver(Protocol):
    """An observer of answered requests."""

    def note(self, request: AnsweredRequest) -> None:
        """Record ``request``, without waiting for anything."""


def known_method(method: str) -> str:
    """Return ``method``, or OTHER where it is none that servers have."""
    return method if method in _KNOWN_METHODS else "OTHER"
