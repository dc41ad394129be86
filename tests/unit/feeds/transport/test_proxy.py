"""Tunnels through an HTTP proxy, for other protocols than HTTP."""

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from pydantic import ValidationError

from feeds.connector import Misconfigured, TryLater
from feeds.transport.connections import ProxySettings, connect_to

Serve = Callable[..., str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Run a proxy that replies with ``answer``, byte by byte if there is a ``pause``, and return its URL."""
    listening: list[socket.socket] = []
    threads: list[threading.Thread] = []
    heads: list[bytes] = []
    over = threading.Event()

    def start(answer: bytes, pause: float = 0.0) -> str:
        server = socket.create_server(("127.0.0.1", 0))
        listening.append(server)

        def answering() -> None:
            try:
                peer, _ = server.accept()
            except OSError:  # closed without a connection
                return
            with peer:
                head = b""
                while not head.endswith(b"\r\n\r\n") and (byte := peer.recv(1)):
                    head += byte
                heads.append(head)
                try:
                    for place in range(len(answer)) if pause else ():
                        peer.sendall(answer[place : place + 1])
                        if over.wait(pause):
                            return
                    if not pause:
                        peer.sendall(answer)
                    peer.recv(1)
                except OSError:
                    return

        threads.append(threading.Thread(target=answering))
        threads[-1].start()
        return f"http://127.0.0.1:{server.getsockname()[1]}"

    start.heads = heads  # type: ignore[attr-defined]  # what the proxy was asked
    yield start
    over.set()
    for server, thread in zip(listening, threads, strict=True):
        # Wakes the thread that accepts.
        with contextlib.suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)
        thread.join(60)
        server.close()


def through(
    url: str, host: str = "drop.example.com", *, timeout: float = 60, allow_private: bool = False, **more: object
) -> socket.socket:
    settings = ProxySettings.model_validate({"proxy": url, **more})
    return connect_to(settings, host, 22, timeout=timeout, allow_private=allow_private)


def test_bytes_that_the_server_sends_at_once_are_not_lost(serve: Serve) -> None:
    with through(serve(b"HTTP/1.1 200 OK\r\nVia: x\r\n\r\nSSH-2.0-x\r\n")) as opened:
        assert opened.recv(100) == b"SSH-2.0-x\r\n"
    assert serve.heads == [b"CONNECT drop.example.com:22 HTTP/1.1\r\nHost: drop.example.com:22\r\n\r\n"]  # type: ignore[attr-defined]


def test_login_is_sent_to_the_proxy(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROXY_PASSWORD", "p@ss")
    url = serve(b"HTTP/1.0 200 OK\r\n\r\n")
    login = {"proxy_user": "hub", "proxy_password": {"env": "PROXY_PASSWORD"}}
    through(url, "2001:db8::1", allow_private=True, **login).close()
    (head,) = serve.heads  # type: ignore[attr-defined]
    assert head.startswith(b"CONNECT [2001:db8::1]:22 HTTP/1.1\r\n")
    assert b"\r\nProxy-Authorization: Basic aHViOnBAc3M=\r\n" in head


@pytest.mark.parametrize("status", [401, 403, 407])
def test_refusing_proxy_is_misconfigured(serve: Serve, status: int) -> None:
    with pytest.raises(Misconfigured, match=f"HTTP {status}"):
        through(serve(b"HTTP/1.1 %d No\r\n\r\n" % status))


@pytest.mark.parametrize(
    ("answer", "pause"),
    [
        (b"HTTP/1.1 502 No\r\n\r\n", 0),
        (b"", 1.0),
        (b"SSH-2.0-x\r\n\r\n", 0),
        (b"HTTP/1.1 200 " + b"x" * 100_000, 0),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 10_000, 0.05),
    ],
    ids=["502", "nothing", "no HTTP", "without end", "a byte now and then"],
)
def test_proxy_without_a_tunnel_is_tried_later(serve: Serve, answer: bytes, pause: float) -> None:
    begun = time.monotonic()
    with pytest.raises((TryLater, TimeoutError)):
        through(serve(answer, pause), timeout=0.5)
    # The byte now and then takes more than eight minutes.
    assert time.monotonic() - begun < 60


def test_private_address_is_not_requested(serve: Serve) -> None:
    with pytest.raises(Misconfigured, match="allow_private"):
        through(serve(b"HTTP/1.1 200 OK\r\n\r\n"), "127.0.0.1")
    assert serve.heads == []  # type: ignore[attr-defined]


def test_a_proxy_over_tls_is_refused_for_tunnels() -> None:
    with pytest.raises(ValueError, match="proxy: write it as http://"):
        ProxySettings(proxy="https://proxy.example:3128").check_tunnel()
    with pytest.raises(ValidationError, match="set both"):
        ProxySettings(proxy="http://proxy.example:3128", proxy_user="hub")
