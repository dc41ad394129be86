"""Errors that follow from a peer's answer, or from its silence."""

import pytest

from feeds.connector import Misconfigured, TryLater
from feeds.http.client import open_session
from feeds.http.failures import RequestRefused, peer_errors
from tests.unit.feeds.scripted import Serve, ask, says, settings


@pytest.mark.parametrize(
    ("status", "follows"),
    [
        *((status, RequestRefused) for status in (400, 413, 422)),
        *((status, Misconfigured) for status in (401, 403, 404, 406, 410)),
        *((status, TryLater) for status in (408, 409, 425, 429, 500, 502, 503, 504)),
    ],
)
def test_what_follows_from_a_status(serve: Serve, status: int, follows: type[Exception]) -> None:
    peer = serve(says(f"HTTP/1.1 {status} Said\r\nContent-Length: 0\r\n\r\n".encode()))
    with open_session(settings(), peer.url) as opened, pytest.raises(follows), peer_errors("peer"):
        opened.get(peer.url).raise_for_status()


@pytest.mark.parametrize("answer", [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"])
def test_whatever_is_no_answer_is_tried_later(serve: Serve, answer: bytes) -> None:
    with pytest.raises(TryLater):
        ask(serve(says(answer)))
