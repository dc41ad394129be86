"""Responses of the TAXII server and their media types, independent of HTTP and web frameworks."""

from collections.abc import Iterator
from typing import NamedTuple

TAXII = "application/taxii+json;version=2.1"
JSON = "application/json"
# RFC 9457
PROBLEM = "application/problem+json"
STIX = "application/stix+json;version="

# Statuses whose responses have no body by HTTP, and therefore no headers about one.
BODILESS = frozenset((204, 304))


class TaxiiResponse(NamedTuple):
    """Status, body and headers of a response, without ``Content-Length``.

    The other fields are for the observers. They are the id of the requested collection, the numbers of received and
    returned objects, and the id of the error. ``read_to`` is the ``date_added`` (microseconds) up to which the partner
    has now read the collection. A ``stream`` of pieces, of any total length, replaces ``body``. ``sandbox_after`` is
    the place after which a sandbox page begins, otherwise None. ``has_more`` if more objects follow the returned ones.
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
    has_more: bool = False
