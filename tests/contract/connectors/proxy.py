"""An HTTP proxy that opens tunnels, and resolves every name to this machine."""

import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field


@dataclass
class Proxy:
    """A proxy. ``status`` is its response, and ``asked`` has the heads of its requests."""

    status: int = 200
    url: str = ""
    asked: list[str] = field(default_factory=list)


@contextmanager
def tunnelling() -> Iterator[Proxy]:
    """Run a proxy at its ``url``."""
    proxy = Proxy()
    handler = type("Bound", (_Handler,), {"proxy": proxy})
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as listening:
        listening.daemon_threads = True
        proxy.url = f"http://127.0.0.1:{listening.server_address[1]}"
        thread = threading.Thread(target=listening.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield proxy
        finally:
            listening.shutdown()
            thread.join()


class _Handler(socketserver.BaseRequestHandler):
    proxy: Proxy

    def handle(self) -> None:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += self.request.recv(1)
        self.proxy.asked.append(head.decode())
        if self.proxy.status != 200:
            self.request.sendall(b"HTTP/1.1 %d No\r\n\r\n" % self.proxy.status)
            return
        port = int(head.split(b" ")[1].rpartition(b":")[2])
        with socket.create_connection(("127.0.0.1", port)) as there:
            # The server's first bytes arrive with the response.
            there.settimeout(60)
            with suppress(TimeoutError):
                first = there.recv(4096)
                self.request.sendall(b"HTTP/1.1 200 Established\r\n\r\n" + first)
            there.settimeout(None)
            back = threading.Thread(target=_copy, args=(there, self.request), daemon=True)
            back.start()
            _copy(self.request, there)
            back.join(60)


def _copy(one: socket.socket, other: socket.socket) -> None:
    with suppress(OSError):
        while data := one.recv(1 << 16):
            other.sendall(data)
    with suppress(OSError):
        other.shutdown(socket.SHUT_RDWR)
