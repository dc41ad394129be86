"""The cache of short responses: the same request to an unchanged database has the same response."""

import time
from collections import OrderedDict
from typing import Any, NamedTuple

from server.web.taxii.auth import ProvenLogin
from server.web.taxii.response import TaxiiResponse

# Credentials expire by the clock, without a change in the database.
_SECONDS = 1.0
_MOST_RESPONSES = 1_000
_LARGEST_BODY = 16 * 1024
# Of a key. Those of real clients have some hundred characters, a certificate some thousand bytes.
_LONGEST_KEY = 8 * 1024
# The parts of a request that a response depends on, besides path and certificate.
_VARIABLES = ("QUERY_STRING", "HTTP_AUTHORIZATION", "HTTP_ACCEPT", "HTTP_ACCEPT_ENCODING", "HTTP_IF_NONE_MATCH")

Key = tuple[Any, ...]


class CachedResponse(NamedTuple):
    """A response, its partner, the version of the database, and when it expires (monotonic)."""

    proven: ProvenLogin
    response: TaxiiResponse
    version: int
    until: float


def cache_key(environ: dict[str, Any], certificate: bytes | None) -> Key:
    """Return a key that is equal for requests with the same response from the same database."""
    return environ["PATH_INFO"], certificate, *map(environ.get, _VARIABLES)


class ResponseCache:
    """The latest short responses, valid while the database is unchanged; for one thread."""

    def __init__(self) -> None:
        """Begin empty."""
        self._responses: OrderedDict[Key, CachedResponse] = OrderedDict()

    def find(self, key: Key, version: int) -> CachedResponse | None:
        """Return the response for ``key``, if the database still has the same version."""
        cached = self._responses.get(key)
        if cached is None or cached.version != version or cached.until <= time.monotonic():
            return None
        return cached

    def keep(self, key: Key, version: int, proven: ProvenLogin, response: TaxiiResponse) -> None:
        """Keep a response that was made when the database was at ``version`` or later."""
        if response.status != 200 or len(response.body) > _LARGEST_BODY:
            return
        if sum(len(part or "") for part in key) > _LONGEST_KEY:
            return
        self._responses[key] = CachedResponse(proven, response, version, time.monotonic() + _SECONDS)
        self._responses.move_to_end(key)
        if len(self._responses) > _MOST_RESPONSES:
            self._responses.popitem(last=False)
