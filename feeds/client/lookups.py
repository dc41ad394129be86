"""Look-ups and evidence from a hub, as its partner."""

import time
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from typing import IO, Any
from urllib.parse import urljoin

import msgspec
import requests

from feeds.errors import Misconfigured, TryLater
from feeds.transport import client
from feeds.transport.client import Bearer, OutboundSettings, peer_errors
from feeds.transport.connections import folder_url
from schemas.api.lookup import LookupAnswer, LookupQuestion, LookupRequest

_JSON = {"Content-Type": "application/json", "Accept": "application/json"}
# A longer pause requested by the hub ends the look-up.
_LONGEST_PAUSE = 120.0


class HubSettings(OutboundSettings):
    """The address of a hub. The operator chose it, so that it may be on this machine or network."""

    url: str
    allow_private: bool = True


class HubLookups(AbstractContextManager["HubLookups"]):
    """Sends look-ups to one hub, as the partner of a token. Raises ``TryLater`` and ``Misconfigured``."""

    def __init__(self, settings: HubSettings, token: str) -> None:
        """Connect at the first request."""
        self._url = urljoin(folder_url(settings.url), "api/lookup")
        self._session = client.open_session(settings, settings.url, repeat_posts=True)
        self._session.auth = Bearer(token)

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def ask(self, questions: Sequence[LookupQuestion]) -> LookupAnswer:
        """Return the answer about 1 to 1,000 values; waits once if the hub asks for a pause.

        Also raises ``RequestRefused``.
        """
        body = msgspec.json.encode(LookupRequest(list(questions)))
        try:
            return self._ask(body)
        except TryLater as error:
            if not 0 < error.after <= _LONGEST_PAUSE:
                raise
            time.sleep(error.after)
            return self._ask(body)

    def _ask(self, body: bytes) -> LookupAnswer:
        with peer_errors(self._url):
            response = self._session.post(self._url, data=body, headers=_JSON)
            response.raise_for_status()
        try:
            return msgspec.json.decode(response.content, type=LookupAnswer)
        except msgspec.MsgspecError as error:
            raise TryLater(f"{self._url}: its response is not in the format for look-ups") from error


_OCTETS = {"Content-Type": "application/octet-stream", "Accept": "application/json"}
_REFUSED = (404, 409, 413, 422)
_LONGEST_REASON = 500


def send(settings: HubSettings, token: str, object_id: str, files: Iterable[IO[bytes]]) -> list[dict[str, Any]]:
    """Send files as evidence of our own report or case, and return the hub's record of each.

    Raises ``TryLater``, and ``Misconfigured`` if the hub refuses one.
    """
    url = urljoin(folder_url(settings.url), "api/evidence")
    with client.open_session(settings, settings.url) as session:
        session.auth = Bearer(token)
        return [_send(session, url, object_id, file) for file in files]


def _send(session: requests.Session, url: str, object_id: str, file: IO[bytes]) -> dict[str, Any]:
    with peer_errors(url):
        answer = session.post(url, params={"object": object_id}, data=file, headers=_OCTETS)
        if answer.status_code in _REFUSED:
            raise Misconfigured(_reason(object_id, answer))
        answer.raise_for_status()
    try:
        return msgspec.json.decode(answer.content, type=dict[str, Any])
    except msgspec.MsgspecError as error:
        raise TryLater(f"{url}: its response is not in the format for evidence") from error


def _reason(object_id: str, answer: requests.Response) -> str:
    if answer.status_code == requests.codes.not_found:
        return f"{object_id}: the hub has no such report or case of ours, or stores no files"
    try:
        found = msgspec.json.decode(answer.content, type=dict[str, Any])
    except msgspec.MsgspecError:
        found = {}
    return f"the hub refuses the file: {str(found.get('description', ''))[:_LONGEST_REASON]!r}"
