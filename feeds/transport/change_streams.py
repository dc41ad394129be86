"""The streams of changes of a hub's collections (server-sent events). They say when there is something to read."""

import logging
import threading
from collections.abc import Callable
from contextlib import closing

from feeds.errors import Misconfigured, TryLater
from feeds.transport import client
from feeds.transport.client import LoginSettings, RequestRefused, peer_errors
from feeds.transport.taxii import NOT_OFFERED, resource_url

logger = logging.getLogger(__name__)

_ASKED = {"Accept": "text/event-stream, application/json", "Accept-Encoding": "identity"}
# A hub sends a heartbeat more often than this.
_SILENCE_SECONDS = 70.0
# A peer is asked again for a stream that it does not offer, and after an error.
_NOT_OFFERED_SECONDS, _LEAST_SECONDS, _MOST_SECONDS = 3_600.0, 2.0, 60.0
# A peer that sends without end is read slowly.
_PAUSE_SECONDS, _PIECE = 0.1, 1 << 16


class ChangeStream:
    """Follows one collection in a thread, and calls ``ring`` when it has changed, and when the stream begins.

    A peer without streams, or with errors, is asked again later; nobody is told, because the reader also polls.
    """

    def __init__(self, settings: LoginSettings, api_root: str, collection: str, ring: Callable[[], None]) -> None:
        """Begin to follow a collection at the API root of a hub. The thread does not keep the program running."""
        self._settings, self._ring = settings, ring
        self._url = resource_url(api_root, collection, "stream")
        self._over = threading.Event()
        threading.Thread(target=self._run, name="change-stream", daemon=True).start()

    def stop(self) -> None:
        """Stop after the next event or heartbeat."""
        self._over.set()

    def _run(self) -> None:
        wait = 0.0
        while not self._over.wait(wait):
            try:
                wait = self._follow()
            except (TryLater, Misconfigured, RequestRefused) as error:
                wait = min(_MOST_SECONDS, max(_LEAST_SECONDS, 2 * wait, getattr(error, "after", 0.0)))
                logger.debug("change-stream-broken error=%s", error)

    def _follow(self) -> float:
        """Follow the stream to its end, and return after how many seconds to open it again."""
        session = client.open_session(self._settings, self._url, endless=True)
        session.auth = self._settings.auth()
        with closing(session), peer_errors(self._url):
            answer = session.get(
                self._url, params={"objects": "none"}, headers=_ASKED, stream=True, timeout=_SILENCE_SECONDS
            )
            if answer.status_code in NOT_OFFERED:
                return _NOT_OFFERED_SECONDS
            answer.raise_for_status()
            if not answer.headers.get("Content-Type", "").startswith("text/event-stream"):
                return _NOT_OFFERED_SECONDS
            for piece in answer.iter_content(_PIECE):
                if b"id: " in piece:
                    self._ring()
                if self._over.wait(_PAUSE_SECONDS):
                    break
        return _LEAST_SECONDS
