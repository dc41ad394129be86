"""Another Scamfeed hub as a client sees it: its heads, the pages of its hub reports, and complete sets."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple
from urllib.parse import quote, urljoin

import msgspec
import requests
from taxii2client.v21 import Collection

from feeds.errors import TryLater
from feeds.transport import taxii
from feeds.transport.client import LoginSettings, open_body, open_session, peer_errors
from feeds.transport.connections import folder_url
from feeds.transport.taxii import LastHeaders, TaxiiPage
from schemas.api.pushed_heads import PushedHeadsAnswer

# The longest object that a hub accepts, with room for a contradiction of two.
_LONGEST_LINE = 3 * 64 * 1024
_API_ROOT = "feed/"


class HeadsAnswer(NamedTuple):
    """The heads of a peer, the newest number that it has of the asking hub, and the collections to read there.

    ``retained`` are ids of erased hub reports whose values the peer still reports.
    """

    tag: str
    heads: Sequence[bytes]
    number: int | None
    retained: Sequence[str]
    collections: Sequence[str]


class _Heads(msgspec.Struct):
    heads: list[msgspec.Raw]
    number: int | None = None
    retained: list[str] = []
    collections: list[str] = []


_heads = msgspec.json.Decoder(_Heads)
_sent = msgspec.json.Decoder(PushedHeadsAnswer)


class PeerClient:
    """Requests to one hub."""

    def __init__(self, settings: LoginSettings, url: str) -> None:
        """Open no connection yet; ``url`` is the API root of the hub."""
        self._settings = settings
        self._root = folder_url(url)
        self._home = self._root.removesuffix(_API_ROOT)
        self._connection = taxii.open_connection(settings, self._root)
        self._headers = LastHeaders(self._connection)
        self._session: requests.Session = self._connection.session

    def close(self) -> None:
        """Close the connections."""
        self._connection.close()

    def heads(self, tag: str) -> HeadsAnswer | None:
        """Return the heads, or None if they are those of ``tag``. Raises ``TryLater`` and ``Misconfigured``."""
        url = urljoin(self._home, "api/hub-reports/heads")
        headers = {"Accept": "application/json", **({"If-None-Match": tag} if tag else {})}
        with peer_errors(url):
            answer = self._session.get(url, headers=headers)
            answer.raise_for_status()
        if answer.status_code == requests.codes.not_modified:
            return None
        try:
            found = _heads.decode(answer.content)
        except (msgspec.MsgspecError, ValueError) as error:
            raise TryLater(f"{url}: its response is not one with heads") from error
        heads = [bytes(head) for head in found.heads]
        return HeadsAnswer(answer.headers.get("ETag", ""), heads, found.number, found.retained, found.collections)

    def send_heads(self, heads: Sequence[bytes]) -> PushedHeadsAnswer:
        """Send heads to the peer, and return its answer. Raises ``TryLater`` and ``Misconfigured``."""
        url = urljoin(self._home, "api/hub-reports/heads")
        body = b'{"heads":[' + b",".join(heads) + b"]}"
        with peer_errors(url):
            answer = self._session.post(url, data=body, headers={"Content-Type": "application/json"})
            answer.raise_for_status()
        try:
            return _sent.decode(answer.content)
        except (msgspec.MsgspecError, ValueError) as error:
            raise TryLater(f"{url}: its response to the heads is not valid") from error

    def pages(self, alias: str, checkpoint: Mapping[str, Any], limit: int) -> Iterator[TaxiiPage]:
        """Yield the pages of a collection since ``checkpoint``, as ``taxii.pages_2_1``."""
        url = urljoin(self._root, f"collections/{quote(alias, safe='')}/")
        # The hub grants its peers these collections; without this the client asks for their description in each round.
        about = {"id": alias, "title": alias, "can_read": True, "can_write": False}
        collection = Collection(url, conn=self._connection, collection_info=about)
        return taxii.pages_2_1(collection, self._headers, limit, checkpoint)

    def set_lines(self, of_origin: str, stream: str) -> Iterator[bytes]:
        """Yield the objects of a complete set. Raises ``TryLater`` for an interrupted one, and ``Misconfigured``."""
        url = urljoin(self._home, "api/hub-reports/active")
        session = open_session(self._settings, self._root, endless=True)
        session.auth = self._settings.auth()
        try:
            with peer_errors(url):
                answer = session.get(url, params={"origin": of_origin, "stream": stream}, stream=True)
                answer.raise_for_status()
                body = open_body(answer)
                while line := body.readline(_LONGEST_LINE + 1):
                    if not line.endswith(b"\n"):
                        raise TryLater(f"{url}: sends an object that is too long, or the connection was lost")
                    yield line
        finally:
            with suppress(OSError):
                session.close()
