"""The answers that take no time, given in rounds: whoever asks for very many gets no more of a round than another."""

import asyncio
import logging
import time
from collections import deque
from typing import Protocol

log = logging.getLogger(__name__)

# Of one round, for all connections that come from one place together.
_SHARE_SECONDS = 0.001


class Asking(Protocol):
    """A connection on which a request waits for its answer."""

    def answer_next(self) -> None:
        """Answer the request that came first."""

    def drop(self) -> None:
        """Close the connection."""


class Rounds:
    """Lets connections answer one request at a time, each place by turns."""

    def __init__(self) -> None:
        """Begin with nobody asking."""
        self._asking: dict[str, deque[Asking]] = {}
        self._running = False

    def add(self, place: str, connection: Asking) -> None:
        """Let a connection, which asks from ``place``, answer one request when it is its turn."""
        waiting = self._asking.get(place)
        if waiting is None:
            self._asking[place] = deque((connection,))
        else:
            waiting.append(connection)
        if not self._running:
            self._running = True
            asyncio.get_running_loop().call_soon(self._round)

    def _round(self) -> None:
        for place, waiting in list(self._asking.items()):
            ends = time.monotonic() + _SHARE_SECONDS
            # What comes up meanwhile is for the next round.
            for _ in range(len(waiting)):
                _answer(waiting.popleft())
                if time.monotonic() > ends:
                    break
            if not waiting:
                del self._asking[place]
        self._running = bool(self._asking)
        if self._running:
            asyncio.get_running_loop().call_soon(self._round)


def _answer(connection: Asking) -> None:
    try:
        connection.answer_next()
    except Exception:  # the others that wait must not pay for one; what failed is in the log
        log.exception("wire-failure")
        connection.drop()
