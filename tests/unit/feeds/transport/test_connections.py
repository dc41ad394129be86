"""Limits on the time and size of a response, in any transfer form."""

import gzip
import socket
import threading
import time
from contextlib import suppress
from typing import Any

import pytest

from feeds.connector import TryLater
from feeds.transport.client import open_body, open_session, peer_errors
from tests.unit.feeds.scripted import Peer, Serve, ask, says, settings


def test_a_bomb_is_not_unpacked(serve: Serve) -> None:
    bomb = gzip.compress(bytes(50 << 20))
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(bomb)}\r\n\r\n".encode()
    peer = serve(says(head + bomb))
    with pytest.raises(TryLater, match="the response is larger than max_bytes"):
        ask(peer, max_bytes=1 << 20)


@pytest.mark.long
def test_a_bomb_in_a_bomb_is_not_unpacked(serve: Serve) -> None:
    bomb = gzip.compress(gzip.compress(bytes(200 << 20)))
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip, gzip\r\nContent-Length: {len(bomb)}\r\n\r\n".encode()
    peer = serve(says(head + bomb))
    with pytest.raises(TryLater, match="the response is larger than max_bytes"):
        ask(peer, max_bytes=1 << 20)


def test_compressed_response_is_decompressed(serve: Serve) -> None:
    packed = gzip.compress(b"all of it" * 1000)
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(packed)}\r\n\r\n".encode()
    peer = serve(says(head + packed))
    assert ask(peer).content == b"all of it" * 1000


def endless(stream: Any, _: bytes) -> None:
    stream.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        stream.sendall(bytes(1 << 16))


def test_endless_body_is_cut_off(serve: Serve) -> None:
    with pytest.raises(TryLater, match="the response is larger than max_bytes"):
        ask(serve(endless), max_bytes=1 << 20)


def drip(peer: Peer, stream: Any, head: bytes) -> None:
    stream.sendall(head)
    while not peer.over.wait(0.05):
        stream.sendall(b"x")


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX-Long: ",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n",
        b"HTTP/1.1 503 Busy\r\nContent-Length: 100000\r\n\r\n",
    ],
)
def test_slow_body_or_head_is_cut_off(serve: Serve, head: bytes) -> None:
    peer = serve(lambda stream, _: drip(peer, stream, head))
    started = time.monotonic()
    with pytest.raises(TryLater):
        ask(peer, answer_within="400ms", retries=1)
    # The whole would take more than an hour.
    assert time.monotonic() - started < 60


def test_silence_is_cut_off(serve: Serve) -> None:
    peer = serve(lambda *_: peer.over.wait(60))
    with pytest.raises(TryLater, match="does not answer"):
        ask(peer, timeout="200ms")


@pytest.mark.long
def test_slow_tls_handshake_is_cut_off(serve: Serve) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        over = threading.Event()

        def greet() -> None:
            opened, _ = listening.accept()
            with opened:
                opened.sendall(b"\x16\x03\x03\x3f\xff")
                while not over.wait(0.05):
                    try:
                        opened.sendall(b"\x00")
                    except OSError:
                        return

        thread = threading.Thread(target=greet)
        thread.start()
        url = f"https://127.0.0.1:{listening.getsockname()[1]}/"
        started = time.monotonic()
        try:
            with (
                open_session(settings(timeout="2s", answer_within="400ms"), url) as opened,
                pytest.raises(TryLater),
                peer_errors("x"),
            ):
                opened.get(url)
        finally:
            over.set()
            thread.join()
        # The whole would take a quarter of an hour.
        assert time.monotonic() - started < 60


def test_stream_can_be_long_and_large(serve: Serve) -> None:
    def script(stream: Any, _: bytes) -> None:
        stream.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        for _ in range(4):
            time.sleep(0.1)
            stream.sendall(bytes(1024))

    peer = serve(script)
    few = settings(answer_within="100ms", max_bytes=1024)
    with open_session(few, peer.url, endless=True) as opened:
        assert len(opened.get(peer.url).content) == 4096


def test_a_body_is_read_as_a_file(serve: Serve) -> None:
    packed = gzip.compress(b"one\ntwo\n")
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(packed)}\r\n\r\n".encode()
    peer = serve(says(head + packed))
    with open_session(settings(), peer.url) as opened, opened.get(peer.url, stream=True) as response:
        assert open_body(response).readlines() == [b"one\n", b"two\n"]


@pytest.mark.parametrize(
    "answer", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", b"HTTP/1.1 503 Busy\r\n\r\n"]
)
def test_failed_request_leaves_no_thread(serve: Serve, answer: bytes) -> None:
    before = set(threading.enumerate())
    with suppress(TryLater):
        ask(serve(says(answer)), answer_within="1h", retries=1)
    watches = [thread for thread in threading.enumerate() if isinstance(thread, threading.Timer)]
    for watch in set(watches) - before:
        watch.join(60)
        assert not watch.is_alive()
