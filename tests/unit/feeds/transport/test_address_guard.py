"""The addresses and URLs that may be requested, judged by name, spelling and resolved address."""

import socket
from typing import Any

import pytest
from hypothesis import given, strategies as st

from feeds.transport import connections
from feeds.transport.connections import check_url
from tests.unit.feeds.scripted import OK, Serve, says


def test_checked_address_is_the_one_connected_to(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    # A name that resolves first to a public address and then to this machine.
    peer = serve(says(OK))
    answers = iter(["203.0.113.7", *["127.0.0.1"] * 9])

    def resolve(*_: Any, **__: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), peer.port))]

    connected: list[str] = []

    class Noting(socket.socket):
        def connect(self, address: Any) -> None:
            connected.append(address[0])
            raise ConnectionRefusedError

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(socket, "socket", Noting)
    monkeypatch.setattr(connections, "is_public", lambda address: address != "127.0.0.1")
    with pytest.raises(ConnectionRefusedError):
        connections.connect("rebinding.example", peer.port, timeout=1, allow_private=False)
    assert connected == ["203.0.113.7"]


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",  # noqa: S104 - an address to refuse
        "224.0.0.1",
        "255.255.255.255",
        "192.0.2.1",
        "::1",
        "::",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "fec0::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "2002:7f00:1::",
        "64:ff9b::7f00:1",
        "2001:db8::1",
    ],
)
def test_non_public_addresses(address: str) -> None:
    assert not connections.is_public(address)


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "8.8.8.8", "2606:4700:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"]
)
def test_public_addresses(address: str) -> None:
    assert connections.is_public(address)


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST.", "a.localhost", "127.1", "2130706433", "0x7f.1", "[::1]"])
def test_a_private_host_is_recognised(host: str) -> None:
    assert connections.is_private_literal(host)


@pytest.mark.parametrize("host", ["bank.example", "1.1.1.1", "[2606:4700:4700::1111]", "127.0.0.1.example"])
def test_a_public_host_is_recognised(host: str) -> None:
    assert not connections.is_private_literal(host)


@given(st.text(max_size=60))
def test_any_name_can_be_checked(host: str) -> None:
    assert connections.is_private_literal(host) in (True, False)


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("bank.example", "with https://"),
        ("ftp://bank.example/", "with https://"),
        ("https://", "and a server"),
        ("https://[::1/", "not a URL"),
        ("https://bank.example:port/", "not a URL"),
        ("https://hub:s3cret@bank.example/", "must not contain user or password"),
        ("http://bank.example/", "set allow_http"),
    ],
)
def test_forbidden_url_is_refused(url: str, fault: str) -> None:
    with pytest.raises(ValueError, match=fault) as raised:
        check_url(url, credentials=True, allow_http=False)
    assert "s3cret" not in str(raised.value)
