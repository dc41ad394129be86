"""The listening sockets: no more connections are accepted than there are descriptors for."""

import asyncio
import errno
import logging
import resource
import socket
import time
from collections.abc import Awaitable, Callable, Sequence

from server.http.connections import Connections
from server.http.worker_load import WorkerLoad

log = logging.getLogger(__name__)

# A connection takes a descriptor and some kilobytes; a worker serves no more than this.
_MOST = 8_192
# Descriptors for the database, files and logs: so many, and some for each thread.
_OTHERS, _OF_A_THREAD = 64, 4
# The system has no descriptor, no memory left.
_EXHAUSTED = frozenset((errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM))
_LOG_SECONDS = 10.0
_DEFERRED_SECONDS = 0.002


def most_connections(threads: int) -> int:
    """Return how many connections a worker with so many threads can have open.

    Half of its descriptors at least are for connections. The limit is raised as far as the system lets it.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MOST + _OTHERS + _OF_A_THREAD * threads
    if soft < wanted:
        raised = wanted if hard == resource.RLIM_INFINITY else min(hard, wanted)
        if raised > soft:
            resource.setrlimit(resource.RLIMIT_NOFILE, (raised, hard))
            soft = raised
    return max(8, min(_MOST, soft - min(soft // 2, _OTHERS + _OF_A_THREAD * threads)))


class Listener:
    """Accepts connections while there is room for them.

    Where there is none, a silent connection is closed for a new one; where all are busy, new ones wait in the kernel.
    A worker with more connections than another one leaves a new one to it for a moment, so that all processors work.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        listeners: Sequence[socket.socket],
        shared: Connections,
        take: Callable[[socket.socket], Awaitable[None]],
        most: int,
        load: WorkerLoad | None = None,
    ) -> None:
        """Accept at most ``most`` connections, each of which ``take`` serves; ``load`` is that of this worker."""
        self._loop = loop
        self._listeners = listeners
        self._shared = shared
        self._take = take
        self._most = most
        self._load = load
        # Connections are left to other workers until then.
        self._deferred_until = float("-inf")
        self._closed = False
        self._is_open = False
        self._logged = float("-inf")
        self.arriving: set[asyncio.Task[None]] = set()

    def open(self) -> None:
        """Accept connections again, if there is room."""
        if self._load is not None:
            self._load.report(self._connections)
        if self._is_open or self._closed or not self._has_room():
            return
        self._is_open = True
        for listener in self._listeners:
            listener.setblocking(False)
            self._loop.add_reader(listener.fileno(), self._accept, listener)

    def close(self) -> None:
        """Accept no more.

        Connections that the kernel has accepted are answered; later ones are refused, or go to another process.
        """
        self._shut()
        self._closed = True
        if self._load is not None:
            self._load.leave()
        for listener in self._listeners:
            while self._accept(listener):
                pass
            listener.close()

    def _accept(self, listener: socket.socket) -> bool:
        # One at a time: the processes share the socket, and none may take all that wait.
        if not self._has_room():
            self._wait("connections", self._most)
            return False
        if self._defers():
            return False
        try:
            arrived, _ = listener.accept()
        except (BlockingIOError, ConnectionAbortedError, InterruptedError):
            return False
        except OSError as error:
            if error.errno not in _EXHAUSTED:
                raise
            self._shared.make_room()
            self._wait("descriptors", errno.errorcode[error.errno])
            return False
        task = self._loop.create_task(self._serve(arrived))
        self.arriving.add(task)
        task.add_done_callback(self.arriving.discard)
        if self._load is not None and not self._closed:
            self._load.report(self._connections)
        return True

    def _defers(self) -> bool:
        """Leave a new connection to a less busy worker for a moment, and accept it if it is still there."""
        now = time.monotonic()
        if self._load is None or self._closed or now < self._deferred_until + _DEFERRED_SECONDS:
            return False
        if not self._load.is_highest(self._connections):
            return False
        self._deferred_until = now + _DEFERRED_SECONDS
        self._shut()
        self._loop.call_later(_DEFERRED_SECONDS, self.open)
        return True

    @property
    def _connections(self) -> int:
        return len(self._shared) + len(self.arriving)

    async def _serve(self, arrived: socket.socket) -> None:
        await self._take(arrived)

    def _has_room(self) -> bool:
        """Return whether one more has room; at the limit a silent one is closed for it."""
        return self._connections < self._most or self._shared.make_room()

    def _wait(self, what: str, how: object) -> None:
        """Accept nothing until there may be room, with a line in the log, but not each time."""
        self._shut()
        if time.monotonic() - self._logged > _LOG_SECONDS:
            self._logged = time.monotonic()
            log.warning("http-full no=%s limit=%s connections=%s", what, how, len(self._shared))

    def _shut(self) -> None:
        if self._is_open:
            self._is_open = False
            for listener in self._listeners:
                self._loop.remove_reader(listener.fileno())
