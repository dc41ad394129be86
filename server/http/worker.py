"""The worker of gunicorn, which forks, watches, reloads and stops the processes."""

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

from server.http.connection import Connection
from server.http.connections import Connections
from server.http.fair_executor import FairExecutor
from server.http.listener import Listener, most_connections
from server.http.messages import Application
from server.http.worker_load import WorkerLoad

_TICK_SECONDS = 0.25
# How long a connection on which nothing is under way may still bring a request to a worker that stops.
_LAST_CALL_SECONDS = 1.5
_HANDSHAKE_SECONDS = 10.0
# The event loop waits at most so long for a thread that computes.
_SWITCH_SECONDS = 0.0003
# Options of glibc's malloc: a freed block as large as this is given back to the system, instead of kept by its arena;
# and all threads share two arenas, as each of sixteen would keep memory of the bodies it once read.
_M_MMAP_THRESHOLD, _LARGE_BLOCK = -3, 16 * 1024 * 1024
_M_ARENA_MAX, _ARENAS = -8, 2


class HttpWorker(GunicornWorker):
    """One process: an event loop for the connections, and threads for what takes long."""

    def init_process(self) -> None:
        """Start in the new process; does not return."""
        sys.setswitchinterval(_SWITCH_SECONDS)
        if sys.platform == "linux":
            # Another libc has no such options.
            with contextlib.suppress(AttributeError):
                libc = ctypes.CDLL(None)
                libc.mallopt(_M_MMAP_THRESHOLD, _LARGE_BLOCK)
                libc.mallopt(_M_ARENA_MAX, _ARENAS)
        super().init_process()

    def handle_quit(self, sig: int, frame: FrameType | None) -> None:
        """Stop as on SIGTERM: a terminal's Ctrl-C reaches every process, and no request is cut off by it."""
        self.alive = False

    def run(self) -> None:
        """Serve until a signal, then finish the requests under way."""
        # Everything loaded so far stays; a large body makes many objects and no garbage.
        gc.collect()
        gc.freeze()
        gc.set_threshold(150_000, 20, 50)
        with ThreadPoolExecutor(self.cfg.threads, "answer") as threads:
            uvloop.run(self._serve(threads))

    async def _serve(self, threads: ThreadPoolExecutor) -> None:
        loop = asyncio.get_running_loop()
        number = self.cfg.threads
        shared = Connections(
            cast(Application, self.wsgi), FairExecutor(threads, number), os.environ.get("SCRIPT_NAME", "")
        )
        tls = _tls(self)

        async def take(arrived: socket.socket) -> None:
            await _take(shared, arrived, tls)

        listeners: list[socket.socket] = [getattr(bound, "sock", bound) for bound in self.sockets]
        # The application that gunicorn was started with made it before the workers were forked.
        load = WorkerLoad(cast(Any, self.app).worker_loads, self.age)
        listener = Listener(loop, listeners, shared, take, most_connections(number), load)
        listener.open()
        while self.alive and self.ppid == os.getppid():
            self.notify()
            shared.sweep()
            listener.open()
            await asyncio.sleep(_TICK_SECONDS)
        listener.close()
        await self._finish(shared, listener.arriving)

    async def _finish(self, shared: Connections, arriving: set[asyncio.Task[None]]) -> None:
        """Answer the requests that have arrived, and tell each client that it was the last one on its connection."""
        shared.stopping = True
        began = asyncio.get_running_loop().time()
        while shared or arriving:
            waited = asyncio.get_running_loop().time() - began
            if waited > self.cfg.graceful_timeout:
                break
            self.notify()
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
    # A client that leaves during the handshake has asked for nothing.
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
    # TAXII 2.1 §8.2.2: no cipher of RFC 7540 appendix A. This is for TLS 1.2; those of 1.3 are all good.
    context.set_ciphers("ECDHE+AESGCM:ECDHE+CHACHA20")
    context.set_alpn_protocols(["http/1.1"])
    return context
