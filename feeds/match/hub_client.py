"""Requests of private matching to a hub."""

import base64
import binascii
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, NamedTuple, TypeVar
from urllib.parse import quote, urljoin

import msgspec
import requests
from pydantic import Field

from feeds.connector import Misconfigured, TryLater
from feeds.http import client
from feeds.http.client import OutboundSettings
from feeds.http.failures import RequestRefused, peer_errors
from feeds.http.login import Bearer
from schemas.api.matching import EvaluationAnswer, EvaluationRequest, MatchCollection

_VERSION = "X-Match-Version"
_GONE = 410
_Told = TypeVar("_Told")


class MatchingHub(OutboundSettings):
    """One hub, and how it is asked."""

    url: Annotated[str, Field(pattern=r"^https?://\S+$", description="the address of the hub")]


class KeyOver(Exception):
    """The key, or the version, is over: read the set anew."""


class ReadTags(NamedTuple):
    """Tags or changes of them, and the version that they are of."""

    version: int
    octets: bytes


class MatchHubClient:
    """Asks one hub about one collection. Raises ``TryLater`` and ``Misconfigured``, and ``KeyOver``."""

    def __init__(self, hub: MatchingHub, token: str, collection: str) -> None:
        """Connect when first asked."""
        base = hub.url if hub.url.endswith("/") else hub.url + "/"
        self.url = urljoin(base, f"match/{quote(collection, safe='')}")
        self._session = client.open_session(hub, hub.url)
        self._session.auth = Bearer(token)

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def collection(self) -> MatchCollection:
        """Return the set as it is now."""
        return self._decoded(self._get(self.url), MatchCollection)

    def tags(self, key: str, since: int | None = None) -> ReadTags:
        """Return all tags, or what changed since a version."""
        answer = self._get(f"{self.url}/{quote(key, safe='')}/tags" + (f"?since={since}" if since else ""))
        try:
            return ReadTags(int(answer.headers[_VERSION]), answer.content)
        except (KeyError, ValueError) as error:
            raise TryLater(f"{self.url}: does not say which version its tags are of") from error

    def rows(self, key: str, prefix: str) -> bytes:
        """Return the rows of a bucket."""
        return self._get(f"{self.url}/{quote(key, safe='')}/rows/{prefix}").content

    def evaluate(self, key: str, blinded: bytes) -> tuple[bytes, bytes]:
        """Return the evaluated elements and their proofs."""
        body = msgspec.json.encode(EvaluationRequest(key, base64.b64encode(blinded).decode()))
        url = f"{self.url}/evaluate"
        with self._errors(url):
            sent = self._session.post(url, data=body, headers={"Content-Type": "application/json"})
            sent.raise_for_status()
        answer = self._decoded(sent, EvaluationAnswer)
        try:
            return base64.b64decode(answer.evaluated, validate=True), base64.b64decode(answer.proofs, validate=True)
        except (binascii.Error, ValueError) as error:
            raise TryLater(f"{url}: answers what is no Base64") from error

    def _get(self, url: str) -> requests.Response:
        with self._errors(url):
            answer = self._session.get(url)
            answer.raise_for_status()
        return answer

    def _decoded(self, answer: requests.Response, type_: type[_Told]) -> _Told:
        try:
            return msgspec.json.decode(answer.content, type=type_)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise TryLater(f"{self.url}: answers in another form") from error

    @contextmanager
    def _errors(self, url: str) -> Iterator[None]:
        try:
            with peer_errors(url):
                yield
        except RequestRefused as refusal:
            if refusal.status == _GONE:
                raise KeyOver from refusal
            raise Misconfigured(
                f"{self.url}: refuses the question (HTTP {refusal.status}); "
                "does the hub let us match against this collection?"
            ) from refusal
