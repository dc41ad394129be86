"""When a peer is asked again, and how seldom."""

import time

import pytest
from hypothesis import given, strategies as st

from feeds.connector import TryLater
from feeds.http.client import open_session
from feeds.http.failures import peer_errors
from feeds.http.retry import retry_after_seconds
from tests.unit.feeds.scripted import OK, Serve, ask, says, settings


def test_a_busy_server_is_asked_again(serve: Serve) -> None:
    busy = b"HTTP/1.1 503 Busy\r\nRetry-After: 0\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    peer = serve(lambda stream, _: stream.sendall(OK if len(peer.asked) == 3 else busy))
    assert ask(peer, retries=2).text == "ok"


@pytest.mark.parametrize(("status", "words"), [(429, "Slow"), (503, "Busy")])
def test_who_asks_for_a_long_pause_is_not_asked_again_in_this_run(serve: Serve, status: int, words: str) -> None:
    peer = serve(says(f"HTTP/1.1 {status} {words}\r\nRetry-After: 7200\r\nContent-Length: 0\r\n\r\n".encode()))
    with open_session(settings(retries=3), peer.url) as opened, pytest.raises(TryLater) as caught, peer_errors("peer"):
        opened.get(peer.url).raise_for_status()
    assert (len(peer.asked), caught.value.after) == (1, 7200.0)


def test_a_short_pause_that_is_asked_for_is_made(serve: Serve) -> None:
    busy = b"HTTP/1.1 429 Slow\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    peer = serve(lambda stream, _: stream.sendall(OK if len(peer.asked) == 2 else busy))
    begun = time.monotonic()
    assert ask(peer, retries=1).text == "ok"
    assert time.monotonic() - begun >= 1


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        (None, 0),
        ("", 0),
        ("soon", 0),
        ("-5", 0),
        ("1.5", 0),
        ("0", 0),
        ("90", 90),
        ("999999999999", 86_400),
        ("9" * 5000, 0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 86_400),
        ("Thu, 01 Jan 2026 00:00:00 GMT", 0),
    ],
)
def test_how_long_a_peer_asks_to_be_left_alone_is_a_day_at_most(said: str | None, seconds: float) -> None:
    assert retry_after_seconds(said) == seconds


@given(st.text())
def test_any_retry_after_header_is_a_time_to_wait_or_none(said: str) -> None:
    assert 0 <= retry_after_seconds(said) <= 86_400


@pytest.mark.parametrize(("repeat", "times"), [(True, 3), (False, 1)])
def test_posts_are_repeated_only_where_that_is_harmless(serve: Serve, repeat: bool, times: int) -> None:
    peer = serve(says(b"HTTP/1.1 503 Busy\r\nRetry-After: 0\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"))
    with open_session(settings(retries=2), peer.url, repeat_posts=repeat) as opened:
        assert opened.post(peer.url, data=b"").status_code == 503
    assert len(peer.asked) == times


@pytest.mark.long
def test_a_peer_in_trouble_is_not_asked_many_times_as_often(serve: Serve) -> None:
    peer = serve(says(b"HTTP/1.1 503 Busy\r\nRetry-After: 0\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"))
    with open_session(settings(retries=5), peer.url) as opened:
        for _ in range(10):
            assert opened.get(peer.url).status_code == 503
    assert 20 <= len(peer.asked) <= 22
