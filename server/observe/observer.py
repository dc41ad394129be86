"""An answered request, as everything that watches gets it."""

import threading
from typing import NamedTuple, Protocol


class AnsweredRequest(NamedTuple):
    """Fields as ``observe.request`` takes them, where it came from, and the id of the error that it got."""

    partner: str | None
    method: str
    route: str
    collection: str | None
    status: int
    seconds: float
    objects_in: int
    objects_out: int
    given: int | None
    remote: str
    error_id: str | None


class RequestObserver(Protocol):
    """What wants to know of each answered request."""

    def note(self, request: AnsweredRequest) -> None:
        """Take note, in no time."""


class _Asking(threading.local):
    """The request that this thread is answering: where from, and under which id it failed."""

    remote: str = ""
    error_id: str | None = None


_asking = _Asking()
_watchers: tuple[RequestObserver, ...] = ()


def watch(*watchers: RequestObserver) -> None:
    """Let these, in place of any before, know of each answered request of this process."""
    global _watchers
    _watchers = watchers


def asked_from(remote: str) -> None:
    """Begin a request: note the address that the request of this thread comes from."""
    _asking.remote, _asking.error_id = remote, None


def failed_as(error_id: str) -> None:
    """Note under which id the request of this thread failed."""
    _asking.error_id = error_id


def remote() -> str:
    """Give the address that the request of this thread comes from."""
    return _asking.remote


def request(
    *,
    partner: str | None,
    method: str,
    route: str,
    collection: str | None,
    status: int,
    seconds: float,
    objects_in: int = 0,
    objects_out: int = 0,
    given: int | None = None,
) -> None:
    """Note an answered request.

    ``route`` is a route, never a URL; ``collection`` the id of one that the partner may know of; ``given`` up to which
    ``date_added`` (microseconds) the partner now has the collection.
    """
    noted = AnsweredRequest(
        partner,
        method if method in _METHODS else "OTHER",
        route,
        collection,
        status,
        seconds,
        objects_in,
        objects_out,
        given,
        _asking.remote,
        _asking.error_id,
    )
    _asking.error_id = None
    for watcher in _watchers:
        watcher.note(noted)


# What anybody can send must not make names without end.
_METHODS = frozenset(("GET", "POST", "DELETE", "HEAD", "OPTIONS", "PUT", "PATCH"))
