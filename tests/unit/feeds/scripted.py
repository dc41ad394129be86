"""A scripted server, and requests to it."""

import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import closing
from typing import Any

import requests

from feeds.transport.client import OutboundSettings, open_session, peer_errors

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

Script = Callable[[Any, bytes], None]


class Peer:
    """A server that treats each connection as its script says, after it has read a request's head."""

    def __init__(self, script: Script, context: ssl.SSLContext | None = None) -> None:
        self.asked: list[bytes] = []
        self._script, self._context = script, context
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self.over = threading.Event()
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    @property
    def url(self) -> str:
        return f"http{'s' if self._context else ''}://127.0.0.1:{self.port}/"

    def close(self) -> None:
        self.over.set()
        for thread in self._threads:
            thread.join(60)
        self._listening.close()

    def _accept(self) -> None:
        self._listening.settimeout(0.05)
        while not self.over.is_set():
            try:
                opened, _ = self._listening.accept()
            except TimeoutError:
                continue
            self._threads.append(threading.Thread(target=self._serve, args=(opened,)))
            self._threads[-1].start()

    def _serve(self, opened: socket.socket) -> None:
        try:
            opened.settimeout(60)
            with closing(self._context.wrap_socket(opened, server_side=True) if self._context else opened) as stream:
                head = b""
                while not head.endswith(b"\r\n\r\n"):
                    piece = stream.recv(1)
                    if not piece:
                        return
                    head += piece
                self.asked.append(head)
                self._script(stream, head)
        except OSError:
            opened.close()


Serve = Callable[..., Peer]


def says(answer: bytes) -> Script:
    return lambda stream, _: stream.sendall(answer)


def settings(**more: Any) -> OutboundSettings:
    return OutboundSettings.model_validate({"allow_private": True, "retries": 0, "timeout": "60s", **more})


def ask(peer: Peer, **more: Any) -> requests.Response:
    with open_session(settings(**more), peer.url) as opened, peer_errors("peer"):
        return opened.get(peer.url)
