"""Access control of a served mirror."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import ValidationError

from feeds.client.mirror.check import Mirror
from feeds.client.mirror.copies import CopyWriter
from feeds.client.mirror.http_protocol import AskedRequest
from feeds.client.mirror.service import CheckService
from feeds.client.mirror.settings import CheckRules, MirrorOptions

QUESTION = b'{"values": [{"value": "h0.example.com"}]}'


@pytest.fixture
def mirror(tmp_path: Path) -> Iterator[Mirror]:
    writer = CopyWriter(tmp_path / "mirror.db")
    writer.keep_rules(CheckRules())
    writer.close()
    with Mirror(tmp_path / "mirror.db") as opened:
        yield opened


def status(service: CheckService, path: str = "/check", method: str = "POST", **headers: str) -> int:
    given = {name.encode(): text.encode() for name, text in headers.items()}
    request = AskedRequest(method, path, given, QUESTION if path == "/check" else b"", keep_alive=True)
    return asyncio.run(service.respond(request)).status


def test_configured_token_is_required(mirror: Mirror, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("a-long-secret")
    options = MirrorOptions.model_validate({"host": "192.0.2.1", "token": {"file": str(tmp_path / "token")}})
    service = CheckService(mirror, options)
    assert status(service, host="mirror.bank.example") == 401
    assert status(service, authorization="Bearer another") == 401
    assert status(service, authorization="Bearer a-long-secret") == 200
    assert status(service, "/metrics", "GET") == 401
    assert status(service, "/health", "GET") == 503, "there is no copy"
    without, with_token = (
        asyncio.run(service.respond(AskedRequest("GET", "/health", given, b"", keep_alive=True))).body
        for given in ({}, {b"authorization": b"Bearer a-long-secret"})
    )
    assert without == b'{"status":"stale"}'
    assert b'"copies":' in with_token


@pytest.mark.parametrize("host", ["localhost", "localhost:8100", "127.0.0.1:8100", "[::1]:8100", "127.8.9.1"])
def test_only_loopback_addresses_are_accepted_without_a_token(mirror: Mirror, host: str) -> None:
    assert status(CheckService(mirror, MirrorOptions()), host=host) == 200


@pytest.mark.parametrize("host", ["", "evil.example", "localhost.evil.example", "192.0.2.1", "[", "\udce9"])
def test_another_name_of_this_machine_is_refused(mirror: Mirror, host: str) -> None:
    given = {b"host": host.encode("utf-8", "surrogateescape")}
    request = AskedRequest("POST", "/check", given, QUESTION, keep_alive=True)
    assert asyncio.run(CheckService(mirror, MirrorOptions()).respond(request)).status == 403


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "bank.example"])  # noqa: S104 - it is refused
def test_non_loopback_address_needs_a_token(host: str) -> None:
    with pytest.raises(ValidationError, match="set token"):
        MirrorOptions(host=host)


@pytest.mark.parametrize("header", ["origin", "sec-fetch-site"])
def test_requests_of_local_web_pages_are_refused(mirror: Mirror, header: str) -> None:
    """The page cannot read the response, but its duration would reveal information."""
    service = CheckService(mirror, MirrorOptions())
    assert status(service, host="localhost:8100", **{header: "https://evil.example"}) == 403
    assert status(service, "/health", "GET", host="localhost:8100", **{header: "none"}) == 503
