"""The same question to an unchanged database has the same answer: what clients that poll all the time are given."""

import time
from collections import OrderedDict
from typing import Any, NamedTuple

from schemas.partner import Partner
from server.taxii import proxies
from server.taxii.response import TaxiiResponse

# Credentials end by the clock, without a change in the database.
_SECONDS = 1.0
_KEPT_AT_MOST = 1_000
_LARGEST = 16 * 1024
# Of a question; those of clients have some hundred characters, a certificate some thousand bytes.
_LONGEST = 8 * 1024
# All that an answer depends on, of what a request says.
_SAID = ("QUERY_STRING", "HTTP_AUTHORIZATION", "HTTP_ACCEPT", "HTTP_ACCEPT_ENCODING")

Question = tuple[Any, ...]


class CachedResponse(NamedTuple):
    """An answer, whose it was, and when, by the clock and by the database, it was true."""

    partner: Partner
    answer: TaxiiResponse
    version: int
    until: float


def cache_key(environ: dict[str, Any]) -> Question:
    """Give what two requests have in common that get the same answer from the same database."""
    return environ["PATH_INFO"], proxies.presented(environ), *map(environ.get, _SAID)


class ResponseCache:
    """The short answers that were given last, each as long as the database has not changed; for one thread."""

    def __init__(self) -> None:
        """Begin with none."""
        self._heard: OrderedDict[Question, CachedResponse] = OrderedDict()

    def find(self, asked: Question, version: int) -> CachedResponse | None:
        """Give what was answered to ``asked`` when the database was at ``version``, as it is now."""
        heard = self._heard.get(asked)
        return heard if heard is not None and heard.version == version and heard.until > time.monotonic() else None

    def keep(self, asked: Question, version: int, partner: Partner, answer: TaxiiResponse) -> None:
        """Keep an answer that was made when the database was at ``version`` or, in the meantime, later."""
        if answer.status != 200 or len(answer.body) > _LARGEST or sum(len(part or "") for part in asked) > _LONGEST:
            return
        self._heard[asked] = CachedResponse(partner, answer, version, time.monotonic() + _SECONDS)
        self._heard.move_to_end(asked)
        if len(self._heard) > _KEPT_AT_MOST:
            self._heard.popitem(last=False)
