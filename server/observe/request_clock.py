"""The clock of requests: one thread a worker reminds of deadlines, ends freezes of police, and closes what lies."""

import logging
import threading

from server.release.hub import Hub
from server.release.requests.ageing import age
from server.store import StoreUnavailable

log = logging.getLogger(__name__)

_SECONDS = 5.0


class RequestClock:
    """Looks every five seconds what is due; of many workers and nodes each request is done by one."""

    def __init__(self, hub: Hub) -> None:
        """Watch the requests in the store of ``hub``."""
        self._hub = hub
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="request-clock", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Stop the thread once the transaction under way is done."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while True:
            try:
                if done := age(self._hub):
                    log.info("requests-aged requests=%s", done)
            except StoreUnavailable as error:
                log.warning("requests wait reason=%s", error)
            except Exception:  # the next time may do better; what failed is in the log
                log.exception("requests-aged failure")
            if self._stopping.wait(_SECONDS):
                return
