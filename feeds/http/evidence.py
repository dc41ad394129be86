"""Evidence sent to a hub by a partner."""

from collections.abc import Iterable
from typing import IO, Any
from urllib.parse import urljoin

import msgspec
import requests

from feeds.connector import Misconfigured, TryLater
from feeds.http import client
from feeds.http.failures import peer_errors
from feeds.http.login import Bearer
from feeds.http.lookups import HubSettings

_OCTETS = {"Content-Type": "application/octet-stream", "Accept": "application/json"}
_REFUSED = (404, 409, 413)
_LONGEST_REASON = 500


def send(settings: HubSettings, token: str, object_id: str, files: Iterable[IO[bytes]]) -> list[dict[str, Any]]:
    """Send files as evidence of our own report or case, and return what the hub has of each.

    Raises ``TryLater``, and ``Misconfigured`` where the hub refuses one.
    """
    root = settings.url if settings.url.endswith("/") else settings.url + "/"
    url = urljoin(root, "api/evidence")
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
        raise TryLater(f"{url}: answers, but not as evidence is answered") from error


def _reason(object_id: str, answer: requests.Response) -> str:
    if answer.status_code == requests.codes.not_found:
        return f"{object_id}: the hub has no such report or case of ours, or stores no files"
    try:
        found = msgspec.json.decode(answer.content, type=dict[str, Any])
    except msgspec.MsgspecError:
        found = {}
    return f"the hub refuses the file: {str(found.get('description', ''))[:_LONGEST_REASON]!r}"
