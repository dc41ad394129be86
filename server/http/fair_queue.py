"""The queue of connections for the event loop, which answers them in rounds, with a share for each address."""

import asyncio
import logging
import time
from collections import deque
from typing import Protocol

log = logging.getLogger(__name__)

# Of one round, for all connections from one address together.
SHARE_SECONDS = 0.001
# Of each stretch of time, the part that one address has at once; the rest waits for the next round.
_STRETCH_SECONDS, _AT_ONCE_SECONDS = 0.002, 0.0015
# For connections that do not wait for responses, or are refused: a part of the time only, as threads need some too.
SLOW_SHARE_SECONDS, SLOW_PAUSE_SECONDS = 0.0005, 0.002


class WaitingConnection(Protocol):
    """A connection with a request to be answered."""

    def answer_next(self) -> None:
        """Answer the request that came first."""

    def drop(self) -> None:
        """Close the connection."""


class FairQueue:
    """Lets connections answer one request at a time: each address by turns, and at an address each login."""

    def __init__(self, share: float = SHARE_SECONDS, pause: float = 0.0) -> None:
        """Begin empty; a round comes ``pause`` seconds after the last one, each address has ``share`` seconds."""
        self._share_seconds = share
        self._pause = pause
        self._waiting: dict[str, dict[str, deque[WaitingConnection]]] = {}
        self._running = False
        # By address, the seconds used of the stretch that began then.
        self._used: dict[str, float] = {}
        self._began = float("-inf")
        self._answering = False

    def at_once(self, address: str, connection: WaitingConnection) -> bool:
        """Answer a request now, where nobody waits and ``address`` has some of this stretch of time left."""
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

    def add(self, owner: str, login: str, connection: WaitingConnection) -> None:
        """Let a connection of ``owner``, which asks by ``login``, answer one request when it is its turn."""
        self._waiting.setdefault(owner, {}).setdefault(login, deque()).append(connection)
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
        for owner in list(self._waiting):
            self._share(self._waiting[owner])
            if not self._waiting[owner]:
                del self._waiting[owner]
        self._running = bool(self._waiting)
        if self._running:
            self._again()

    def _share(self, logins: dict[str, deque[WaitingConnection]]) -> None:
        """Answer the requests of one owner, as far as its share of the round goes."""
        ends = time.monotonic() + self._share_seconds
        # Requests that arrive meanwhile are for the next round.
        for _ in range(sum(map(len, logins.values()))):
            login = next(iter(logins))
            waiting = logins.pop(login)
            connection = waiting.popleft()
            if waiting:
                logins[login] = waiting
            _answer(connection)
            if time.monotonic() > ends:
                break


def _answer(connection: WaitingConnection) -> None:
    try:
        connection.answer_next()
    except Exception:  # one that fails must not stop the others; it is in the log
        log.exception("http-failure")
        connection.drop()
