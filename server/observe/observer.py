"""Answered requests, and their observers."""

from typing import NamedTuple, Protocol

from server.store.credentials import UsedLogin

# Arbitrary method names must not create an unlimited number of metrics.
_KNOWN_METHODS = frozenset(("GET", "POST", "DELETE", "HEAD", "OPTIONS", "PUT", "PATCH"))


class AnsweredRequest(NamedTuple):
    """An answered request, without any value of its URL or its body.

    ``route`` is the name of a route, never a URL; ``collection`` the id of one that the partner may know of;
    ``read_to`` the ``date_added`` (microseconds) up to which the partner has now read the collection; ``remote`` the
    source address; ``login`` the credential that the partner used. ``sandbox_after`` is the position after which a
    sandbox page begins, and ``agent`` its client's name; None and "" for all other requests.
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
        """Record ``request`` without blocking."""


def known_method(method: str) -> str:
    """Return ``method``, or OTHER for an unknown one."""
    return method if method in _KNOWN_METHODS else "OTHER"
