"""Responses of the TAXII server and their media types, before HTTP or any web framework has them."""

from collections.abc import Iterator
from typing import NamedTuple

TAXII = "application/taxii+json;version=2.1"
JSON = "application/json"
STIX = "application/stix+json;version="

# Statuses of responses that have no body by HTTP, and so no headers about one.
BODILESS = frozenset((204, 304))


class TaxiiResponse(NamedTuple):
    """Status, body and headers of a response, without ``Content-Length``.

    The rest is for the observers: the id of the collection that was asked for, how many objects came in and went out,
    up to which ``date_added`` (microseconds) the partner has now read the collection, and the id of the error.
    A ``stream`` of pieces, of whatever length in all, comes in place of ``body``. ``sandbox_after`` is the place after
    which a page of a sandbox begins, None for all else.
    """

    status: int
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    content_type: str = TAXII
    collection: str | None = None
    objects_in: int = 0
    objects_out: int = 0
    read_to: int | None = None
    error_id: str | None = None
    stream: Iterator[bytes] | None = None
    sandbox_after: int | None = None
