"""A process that runs the clock of requests until it is killed."""

from server.features.requests.clock import RequestClock
from server.release.hub import Hub
from server.store import Store


def age_for_ever(url: str) -> None:
    """Step the clock of the hub at ``url`` again and again."""
    clock = RequestClock(Hub(Store.open(url)))
    while True:
        clock.step()
