"""The gunicorn worker. Gunicorn forks, watches, reloads and stops the processes."""

import asyncio
import contextlib
import ctypes
import gc
import os
import socket
import ssl
import sys
from concurrent.futures import ThreadPoolExecutor
from types import FrameType
from typing import Any, cast

import uvloop
from gunicorn.workers.base import Worker as GunicornWorker

from server.web.http.connection import Connection
from server.web.http.connections import Connections
from server.web.http.fair_executor import FairExecutor
from server.web.http.listener import Listener, WorkerLoad, most_connections
from server.web.http.messages import Application

_TICK_SECONDS = 0.25
# How long an idle connection may still send a request to a worker that is stopping.
_LAST_CALL_SECONDS = 1.5
_HANDSHAKE_SECONDS = 10.0
# The part of the connections that may be streams waiting for changes.
_STREAMS = 0.7
# The longest time that the event loop waits for a computing thread.
_SWITCH_SECONDS = 0.0003
# Options of glibc's malloc: a freed block of this size is returned to the system instead of kept by its arena. All
# threads share two arenas, because each of sixteen would keep the memory of bodies it once read.
_M_MMAP_THRESHOLD, _LARGE_BLOCK = -3, 4 * 1024 * 1024
_M_ARENA_MAX, _ARENAS = -8, 2


class HttpWorker(GunicornWorker):
    """One process: an event loop for the connections, and threads for slow requests."""

    def init_process(self) -> None:
        """Start in the new process. Does not return."""
        sys.setswitchinterval(_SWITCH_SECONDS)
        if sys.platform == "linux":
            # Other libc implementations have no such options.
            with contextlib.suppress(AttributeError):
                libc = ctypes.CDLL(None)
                libc.mallopt(_M_MMAP_THRESHOLD, _LARGE_BLOCK)
                libc.mallopt(_M_ARENA_MAX, _ARENAS)
        super().init_process()

    def handle_quit(self, sig: int, frame: FrameType | None) -> None:
        """Stop as on SIGTERM. A terminal's Ctrl-C reaches every process, but must not interrupt a request."""
        self.alive = False

    def run(self) -> None:
        """Serve until a signal, then finish the requests in progress."""
        # Everything loaded so far stays. A large body makes many objects but no garbage.
        gc.collect()
        gc.freeze()
        gc.set_threshold(150_000, 20, 50)
        with ThreadPoolExecutor(self.cfg.threads, "answer") as threads:
            uvloop.run(self._serve(threads))

    async def _serve(self, threads: ThreadPoolExecutor) -> None:
        loop = asyncio.get_running_loop()
        number = self.cfg.threads
        # The application object that gunicorn was started with has the settings of the server itself.
        limits = cast(Any, self.app).response_limits
        executor = FairExecutor(threads, number, limits)
        most = most_connections(number)
        script = os.environ.get("SCRIPT_NAME", "")
        shared = Connections(cast(Application, self.wsgi), executor, script, limits, int(most * _STREAMS))
        tls = _tls(self)

        async def take(arrived: socket.socket) -> None:
            await _take(shared, arrived, tls)

        listeners: list[socket.socket] = [getattr(bound, "sock", bound) for bound in self.sockets]
        # The memory was made before the workers were forked.
        load = WorkerLoad(cast(Any, self.app).worker_loads, self.age)
        listener = Listener(loop, listeners, shared, take, most, load)
        listener.open()
        while self.alive and self.ppid == os.getppid():
            self.notify()
            shared.sweep()
            listener.open()
            await asyncio.sleep(_TICK_SECONDS)
        listener.close()
        await self._finish(shared, listener.arriving)

    async def _finish(self, shared: Connections, arriving: set[asyncio.Task[None]]) -> None:
        """Answer the requests that have arrived, and mark each response as the last of its connection."""
        shared.stopping = True
        began = asyncio.get_running_loop().time()
        while shared or arriving:
            waited = asyncio.get_running_loop().time() - began
            if waited > self.cfg.graceful_timeout:
                break
            self.notify()
            shared.changes.end_all()
            shared.sweep()
            if waited > _LAST_CALL_SECONDS:
                for connection in list(shared):
                    connection.stop()
            await asyncio.sleep(0.02)


async def _take(shared: Connections, arrived: socket.socket, tls: ssl.SSLContext | None) -> None:
    loop = asyncio.get_running_loop()
    arrived.setblocking(False)
    if arrived.family in (socket.AF_INET, socket.AF_INET6):
        arrived.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    # A client that leaves during the handshake has sent no request.
    with contextlib.suppress(OSError):
        await loop.connect_accepted_socket(
            lambda: Connection(shared),
            arrived,
            ssl=tls,
            ssl_handshake_timeout=_HANDSHAKE_SECONDS if tls is not None else None,
        )


def _tls(worker: GunicornWorker) -> ssl.SSLContext | None:
    cfg = worker.cfg
    if not cfg.is_ssl:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=cfg.ca_certs)
    context.load_cert_chain(cfg.certfile, cfg.keyfile)
    context.verify_mode = ssl.VerifyMode(cfg.cert_reqs)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # TAXII 2.1 §8.2.2: no cipher of RFC 7540 appendix A. This applies to TLS 1.2; all ciphers of 1.3 are allowed.
    context.set_ciphers("ECDHE+AESGCM:ECDHE+CHACHA20")
    context.set_alpn_protocols(["http/1.1"])
    return context
