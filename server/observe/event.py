"""An answered request, as everything that watches gets it."""

from typing import NamedTuple


class Request(NamedTuple):
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
