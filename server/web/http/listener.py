"""The listening sockets: accept only as many connections as there are descriptors."""

import asyncio
import errno
import logging
import mmap
import os
import resource
import socket
import struct
import time
from collections.abc import Awaitable, Callable, Sequence

from server.web.http.connections import Connections

log = logging.getLogger(__name__)

_ROW = struct.Struct("qqd")
# Workers are numbered. This many older ones can still be finishing their requests.
_ROWS = 128
_BYTES = _ROW.size * _ROWS
# A worker that has not reported for this long has ended, or is too busy to accept connections.
_FRESH_SECONDS = 1.0
# A worker leaves new connections to the least busy one if it has more than this many additional connections.
_SLACK = 1


def shared_memory() -> mmap.mmap:
    """Return the memory for the loads of all workers. It must be made before they are forked."""
    return mmap.mmap(-1, _BYTES)


class WorkerLoad:
    """The load of one worker, compared with the others."""

    def __init__(self, memory: mmap.mmap, number: int) -> None:
        """Report to ``memory`` as the worker of this ``number``."""
        self._memory = memory
        self._offset = number % _ROWS * _ROW.size

    def report(self, connections: int) -> None:
        """Report how many connections are open. Call it at least every second."""
        _ROW.pack_into(self._memory, self._offset, os.getpid(), connections, time.monotonic())

    def leave(self) -> None:
        """Report that this worker no longer accepts connections."""
        _ROW.pack_into(self._memory, self._offset, 0, 0, 0.0)

    def is_highest(self, connections: int) -> bool:
        """Return whether this number of connections is clearly above that of the least busy worker."""
        oldest = time.monotonic() - _FRESH_SECONDS
        fresh = [count for pid, count, at in _ROW.iter_unpack(self._memory) if pid and at > oldest]
        return bool(fresh) and connections > min(fresh) + _SLACK


# A connection takes a descriptor and some kilobytes. This is the maximum per worker.
_MOST = 8_192
# Descriptors for the database, files and logs: a fixed number, and some for each thread.
_OTHERS, _OF_A_THREAD = 64, 4
# The system is out of descriptors or memory.
_EXHAUSTED = frozenset((errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM))
_LOG_SECONDS = 10.0
_DEFERRED_SECONDS = 0.002


def most_connections(threads: int) -> int:
    """Return how many connections a worker with this many threads can have open.

    At least half of its descriptors are for connections. The limit is raised as far as the system allows.
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

    When the worker is full, it closes a silent connection for a new one. If all are busy, new ones wait in the kernel.
    A worker with more connections than another one leaves new ones to it for a moment, so that all processors work.
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
        """Accept at most ``most`` connections and serve each by ``take``; ``load`` is the load of this worker."""
        self._loop = loop
        self._listeners = listeners
        self._shared = shared
        self._take = take
        self._most = most
        self._load = load
        # Until then, connections are left to other workers.
        self._deferred_until = float("-inf")
        self._closed = False
        self._is_open = False
        self._logged = float("-inf")
        self.arriving: set[asyncio.Task[None]] = set()

    def open(self) -> None:
        """Accept connections again if there is room."""
        if self._load is not None:
            self._load.report(self._connections)
        if self._is_open or self._closed or not self._has_room():
            return
        self._is_open = True
        for listener in self._listeners:
            listener.setblocking(False)
            self._loop.add_reader(listener.fileno(), self._accept, listener)

    def close(self) -> None:
        """Stop accepting.

        Connections that the kernel has accepted are answered. Later ones are refused, or another process accepts them.
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
        # One at a time: the processes share the socket, and no process may take all waiting connections.
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
        """Leave a new connection to a less busy worker for a moment, and accept it if it is still waiting."""
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
        """Return whether there is room for one more. At the limit, close a silent connection for it."""
        return self._connections < self._most or self._shared.make_room()

    def _wait(self, what: str, how: object) -> None:
        """Accept nothing until there may be room. Log this, but not every time."""
        self._shut()
        if time.monotonic() - self._logged > _LOG_SECONDS:
            self._logged = time.monotonic()
            log.warning("http-full no=%s limit=%s connections=%s", what, how, len(self._shared))

    def _shut(self) -> None:
        if self._is_open:
            self._is_open = False
            for listener in self._listeners:
                self._loop.remove_reader(listener.fileno())
