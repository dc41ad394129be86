"""The answers that take no time, given in rounds: whoever asks for very many gets no more of a round than another."""

import asyncio
import logging
import time
from collections import deque
from typing import Protocol

log = logging.getLogger(__name__)

# Of one round, for all connections that come from one place together.
SHARE_SECONDS = 0.001
# Of each of these stretches of time, what one address has at once; more of it waits for the next round.
_STRETCH_SECONDS, _AT_ONCE_SECONDS = 0.002, 0.0015
# Who asks without waiting for answers, or is refused, has a part of the time only: threads need some of it too.
SLOW_SHARE_SECONDS, SLOW_PAUSE_SECONDS = 0.0005, 0.002


class WaitingConnection(Protocol):
    """A connection on which a request waits for its answer."""

    def answer_next(self) -> None:
        """Answer the request that came first."""

    def drop(self) -> None:
        """Close the connection."""


class FairQueue:
    """Lets connections answer one request at a time: each place by turns, and in a place each of those who ask."""

    def __init__(self, share: float = SHARE_SECONDS, pause: float = 0.0) -> None:
        """Begin with nobody asking; a round comes ``pause`` seconds after the last one, and each place has a share."""
        self._share_seconds = share
        self._pause = pause
        self._asking: dict[str, dict[str, deque[WaitingConnection]]] = {}
        self._running = False
        # What addresses have used of the stretch that began then.
        self._used: dict[str, float] = {}
        self._began = float("-inf")
        self._answering = False

    def at_once(self, address: str, connection: WaitingConnection) -> bool:
        """Answer a request now, where nobody waits and ``address`` has something left of this stretch of time."""
        if self._running or self._answering:
            return False
        began = time.monotonic()
        if began - self._began > _STRETCH_SECONDS:
            self._began = began
            self._used.clear()
        used = self._used.get(address, 0.0)
        if used > _AT_ONCE_SECONDS:
            return False
        self._answering = True
        _answer(connection)
        self._answering = False
        self._used[address] = used + time.monotonic() - began
        return True

    def add(self, place: str, name: str, connection: WaitingConnection) -> None:
        """Let a connection, which asks from ``place`` by ``name``, answer one request when it is its turn."""
        self._asking.setdefault(place, {}).setdefault(name, deque()).append(connection)
        if not self._running:
            self._running = True
            self._again()

    def _again(self) -> None:
        loop = asyncio.get_running_loop()
        if self._pause:
            loop.call_later(self._pause, self._round)
        else:
            loop.call_soon(self._round)

    def _round(self) -> None:
        for place in list(self._asking):
            self._share(self._asking[place])
            if not self._asking[place]:
                del self._asking[place]
        self._running = bool(self._asking)
        if self._running:
            self._again()

    def _share(self, names: dict[str, deque[WaitingConnection]]) -> None:
        """Answer what is asked from one place, as far as its share of the round goes."""
        ends = time.monotonic() + self._share_seconds
        # What comes up meanwhile is for the next round.
        for _ in range(sum(map(len, names.values()))):
            name = next(iter(names))
            waiting = names.pop(name)
            connection = waiting.popleft()
            if waiting:
                names[name] = waiting
            _answer(connection)
            if time.monotonic() > ends:
                break


def _answer(connection: WaitingConnection) -> None:
    try:
        connection.answer_next()
    except Exception:  # the others that wait must not pay for one; what failed is in the log
        log.exception("wire-failure")
        connection.drop()
