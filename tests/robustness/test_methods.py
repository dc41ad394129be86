"""RFC 9110 §9.1: methods that this server does not support, common and invented ones."""

import json

import pytest

from tests.conformance.deployment import Deployment
from tests.conformance.peer import Peer

# Methods of HTTP, and of other protocols based on HTTP.
KNOWN = ["PUT", "PATCH", "TRACE", "PROPFIND", "MKCOL", "LOCK", "SEARCH", "QUERY", "PURGE", "M-SEARCH", "ACL"]
UNKNOWN = ["BREW", "X", "get", "Get", "GETS", "DESCRIBE", "SETUP", "!#$%&'*+.^_`|~-"]


@pytest.fixture
def member(server: Deployment) -> Peer:
    return server.peer("member")


@pytest.mark.parametrize("method", KNOWN)
def test_known_method_is_refused_with_the_supported_ones(member: Peer, method: str) -> None:
    answer = member.send(method, "/feed/collections/room/objects/")
    answer.refused(405)
    assert {value.strip() for value in answer.headers["Allow"].split(",")} == {"GET", "HEAD", "OPTIONS", "POST"}


@pytest.mark.parametrize("method", UNKNOWN)
def test_unknown_method_is_refused_as_such(member: Peer, method: str) -> None:
    member.send(method, "/feed/").refused(501)
    head = f"{method} /feed/ HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc".encode()
    answer = member.raw(head)
    assert answer.startswith(b"HTTP/1.1 501 Not Implemented\r\n")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["http_status"] == "501"


@pytest.mark.parametrize(
    "line", [b"\x16\x03\x01\x02 /feed/ HTTP/1.1", b"GE T /feed/ HTTP/1.1", b"BREW", b"BREW /feed/"]
)
def test_malformed_request_line_is_a_bad_request(member: Peer, line: bytes) -> None:
    assert member.raw(line + b"\r\nHost: x\r\n\r\n").startswith(b"HTTP/1.1 400 ")


def test_nothing_is_tunnelled(member: Peer) -> None:
    sent = f"CONNECT scam.example:443 HTTP/1.1\r\nHost: x\r\nAuthorization: {member.authorization}\r\n\r\n"
    assert member.raw(sent.encode()).startswith(b"HTTP/1.1 400 ")


def test_options_of_the_whole_server_can_be_requested(member: Peer) -> None:  # RFC 9110 §9.3.7
    answer = member.raw(b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n")
    assert int(answer.split(b" ", 2)[1]) < 500
