"""Look-ups at a hub: values in batches, as fast as the hub lets this partner ask."""

import time
from collections.abc import Callable, Sequence
from typing import Self
from urllib.parse import urljoin

import msgspec

from feeds.connector import TryLater
from feeds.http import client
from feeds.http.client import OutboundSettings
from feeds.http.failures import peer_errors
from feeds.http.login import Bearer
from schemas.api.lookup import LookupAnswer, LookupQuestion, LookupRequest

_JSON = {"Content-Type": "application/json", "Accept": "application/json"}
# A hub that asks for a longer pause is left alone.
_LONGEST_PAUSE = 120.0


class HubSettings(OutboundSettings):
    """The address of a hub. It is the operator's own choice, so that it may be on this machine or network."""

    url: str
    allow_private: bool = True


class HubLookups:
    """Asks one hub, as the partner of a token. Raises ``TryLater`` and ``Misconfigured``."""

    def __init__(self, settings: HubSettings, token: str, pause: Callable[[float], None] = time.sleep) -> None:
        """Connect when first asked; ``pause`` waits for so many seconds."""
        root = settings.url if settings.url.endswith("/") else settings.url + "/"
        self._url = urljoin(root, "api/lookup")
        self._session = client.open_session(settings, settings.url, repeat_posts=True)
        self._session.auth = Bearer(token)
        self._pause = pause

    def __enter__(self) -> Self:
        """Return the same."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connections."""
        self._session.close()

    def ask(self, questions: Sequence[LookupQuestion]) -> LookupAnswer:
        """Return the answer about 1 to 1,000 values; waits once where the hub asks for a pause.

        Raises ``RequestRefused`` too.
        """
        body = msgspec.json.encode(LookupRequest(list(questions)))
        try:
            return self._ask(body)
        except TryLater as error:
            if not 0 < error.after <= _LONGEST_PAUSE:
                raise
            self._pause(error.after)
            return self._ask(body)

    def _ask(self, body: bytes) -> LookupAnswer:
        with peer_errors(self._url):
            response = self._session.post(self._url, data=body, headers=_JSON)
            response.raise_for_status()
        try:
            return msgspec.json.decode(response.content, type=LookupAnswer)
        except msgspec.MsgspecError as error:
            raise TryLater(f"{self._url}: answers, but not as a look-up is answered") from error
