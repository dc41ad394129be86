"""Requests to the log of one collection of a hub."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any, Self, TypeVar
from urllib.parse import quote, urlencode, urljoin

import msgspec
from pydantic import Field
from requests.auth import AuthBase

from feeds.connector import Misconfigured, TryLater
from feeds.http import client
from feeds.http.client import OutboundSettings
from feeds.http.failures import RequestRefused, peer_errors
from feeds.http.login import Bearer
from schemas.ledger.entries import Openings
from schemas.ledger.errors import BadFormat
from schemas.ledger.proofs import LogProof
from schemas.ledger.tiles import TilePath

_MOST_BYTES = 16 << 20
_PAGE = 10_000
_NOT_SEALED = "not-sealed"
_FORBIDDEN, _NOT_FOUND = 403, 404
_Read = TypeVar("_Read")


class NotSealedYet(Exception):
    """The object is in the collection, and in no signed checkpoint yet: ask again in some seconds."""


class LedgerHub(OutboundSettings):
    """One hub, and how it is asked."""

    url: Annotated[str, Field(pattern=r"^https?://\S+$", description="the address of the hub")]
    max_bytes: Annotated[int, Field(ge=1024, description="the largest answer to take, unpacked")] = _MOST_BYTES


class LogClient:
    """Asks one hub for the log of one collection. Raises ``TryLater`` and ``Misconfigured``."""

    def __init__(self, settings: OutboundSettings, url: str, login: AuthBase | None) -> None:
        """Connect when first asked; ``url`` is that of the log."""
        self.url = url
        self._session = client.open_session(settings, url)
        self._session.auth = login

    @classmethod
    def of(cls, hub: LedgerHub, token: str, collection: str) -> Self:
        """Return the client of the log of a collection at a hub."""
        base = hub.url if hub.url.endswith("/") else hub.url + "/"
        return cls(hub, urljoin(base, f"feed/collections/{quote(collection, safe='')}/log/"), Bearer(token))

    def __enter__(self) -> Self:
        """Return the client itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connections."""
        self._session.close()

    def checkpoint(self) -> bytes:
        """Return the newest signed checkpoint."""
        found = self._find("checkpoint")
        if found is None:
            raise Misconfigured(f"{self.url}: there is no log that this token may read")
        return found

    def cosigned(self) -> bytes | None:
        """Return the newest checkpoint that a witness cosigned, None where there is none."""
        return self._find("checkpoint/cosigned")

    def tile(self, path: TilePath) -> bytes:
        """Return a tile of hashes, or a bundle of entries; nothing where the log does not have it."""
        return self._find(f"tile/{path}") or b""

    def proof(self, id_: str, version: str | None = None) -> LogProof | None:
        """Return the proof of an object, None where the log does not show it to this reader.

        Raises ``NotSealedYet``.
        """
        asked = {"id": id_} | ({"version": version} if version else {})
        found = self._find(f"proof?{urlencode(asked)}")
        return None if found is None else self._read(lambda: LogProof.parse(found))

    def object(self, id_: str, version: str | None = None) -> bytes | None:
        """Return the bytes of an object in a version, or the last; None where there is none for this reader."""
        asked = {"match[version]": version or "last", "match[spec_version]": "2.0,2.1"}
        found = self._find(f"../objects/{quote(id_, safe='')}/?{urlencode(asked)}")
        if found is None:
            return None
        objects = self._read(lambda: msgspec.json.decode(found, type=dict[str, msgspec.Raw]).get("objects"))
        bodies = self._read(lambda: msgspec.json.decode(objects or b"[]", type=list[msgspec.Raw]))
        return bytes(bodies[0]) if bodies else None

    def openings(self, added_after: str | None = None) -> Iterator[Openings]:
        """Yield the pages of openings of what was added after a moment."""
        asked = {"limit": str(_PAGE)} | ({"added_after": added_after} if added_after else {})
        while True:
            found = self._find(f"openings?{urlencode(asked)}") or b""
            page = self._read(lambda found=found: msgspec.json.decode(found, type=Openings))  # type: ignore[misc]
            yield page
            if page.next is None or page.next == asked.get("next"):
                return
            asked["next"] = page.next

    def post_cosignatures(self, lines: bytes) -> None:
        """Send the hub the cosigned checkpoint of a witness that it knows."""
        url = f"{self.url}cosignatures"
        with self._errors(url), peer_errors(url):
            answer = self._session.post(url, data=lines, headers={"Content-Type": "text/plain"})
            if answer.status_code == _FORBIDDEN:
                raise Misconfigured(f"{url}: the hub does not know the key of this witness; its operator has to add it")
            answer.raise_for_status()

    def _find(self, path: str) -> bytes | None:
        url = urljoin(self.url, path)
        with self._errors(url), peer_errors(url):
            answer = self._session.get(url)
            if answer.status_code == _NOT_FOUND:
                if _is_unsealed(answer.content):
                    raise NotSealedYet
                return None
            answer.raise_for_status()
            return answer.content

    def _read(self, read: Callable[[], _Read]) -> _Read:
        try:
            return read()
        except (BadFormat, msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise TryLater(f"{self.url}: answers in another form") from error

    @contextmanager
    def _errors(self, url: str) -> Iterator[None]:
        try:
            yield
        except RequestRefused as refusal:
            raise Misconfigured(f"{url.partition('?')[0]}: refuses the question (HTTP {refusal.status})") from refusal


def _is_unsealed(body: bytes) -> bool:
    try:
        return bool(msgspec.json.decode(body, type=dict[str, Any]).get("error_code") == _NOT_SEALED)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return False
