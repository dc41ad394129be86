"""RFC 9110 §8.4 and §12.5.3: bodies in gzip and zstd, if both sides support them."""

import gzip
import json
import zlib
from typing import Any

import pytest
from backports import zstd

from tests.conformance.deployment import Deployment
from tests.conformance.peer import LAST, Peer, indicator


@pytest.fixture
def sent(member: Peer, room: str) -> list[dict[str, Any]]:
    objects = [indicator(description="scam " * 40) for _ in range(30)]
    member.post(f"{room}objects/", objects)
    return objects


@pytest.mark.parametrize(
    "asked",
    ["gzip", "GZIP", "x-gzip", "gzip;q=0.5", "deflate, gzip;q=1.0, *;q=0.5", "br, gzip", "identity;q=0.5, gzip"],
)
def test_gzip_is_sent_on_request(member: Peer, room: str, sent: list[Any], asked: str) -> None:
    plain, packed = member.get(f"{room}objects/"), member.get(f"{room}objects/", Accept_Encoding=asked)
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.body) == plain.body
    assert len(packed.body) < len(plain.body) / 2
    assert packed.headers[LAST] == plain.headers[LAST]
    for answer in (plain, packed):
        assert "accept-encoding" in answer.headers["Vary"].lower()
        assert int(answer.headers["Content-Length"]) == len(answer.body)


@pytest.mark.parametrize(
    "asked", ["zstd", "ZSTD", "gzip, deflate, br, zstd", "zstd;q=0.5, gzip;q=0.4", "identity, zstd"]
)
def test_zstd_is_sent_if_named(member: Peer, room: str, sent: list[Any], asked: str) -> None:
    plain, packed = member.get(f"{room}objects/"), member.get(f"{room}objects/", Accept_Encoding=asked)
    assert packed.headers["Content-Encoding"] == "zstd"
    assert zstd.decompress(packed.body) == plain.body
    assert "accept-encoding" in packed.headers["Vary"].lower()


def test_client_that_accepts_anything_gets_gzip(member: Peer, room: str, sent: list[Any]) -> None:
    for asked in ("*", "*;q=0.1", "zstd;q=0.1, gzip"):
        assert member.get(f"{room}objects/", Accept_Encoding=asked).headers["Content-Encoding"] == "gzip"


def test_other_resources_are_compressed_too(member: Peer, room: str, sent: list[Any]) -> None:
    for path in (f"{room}manifest/", "collections/"):
        plain, packed = member.get(path), member.get(path, Accept_Encoding="gzip")
        if "Content-Encoding" in packed.headers:
            assert gzip.decompress(packed.body) == plain.body
        assert ("Vary" in plain.headers) is ("Content-Encoding" in packed.headers)


@pytest.mark.parametrize("asked", [None, "", "identity", "gzip;q=0", "br", "gzip;q=0.1, identity", "*;q=0, identity"])
def test_no_encoding_is_sent_unrequested(member: Peer, room: str, sent: list[Any], asked: str | None) -> None:
    answer = member.get(f"{room}objects/", Accept_Encoding=asked)
    assert "Content-Encoding" not in answer.headers
    assert answer.ok()["objects"] == sent


def test_gzip_body_is_accepted(member: Peer, room: str) -> None:
    one = indicator()
    body = gzip.compress(json.dumps({"objects": [one]}).encode())
    for name in ("gzip", "x-gzip", "GZIP"):
        answer = member.send("POST", f"/feed/{room}objects/", {"Content-Encoding": name}, body)
        assert answer.ok(202)["success_count"] == 1
    assert member.get(f"{room}objects/").ok()["objects"] == [one]


WHOLE = gzip.compress(b"{}", mtime=0)


def test_zstd_body_is_accepted(member: Peer, room: str) -> None:
    one = indicator()
    body = zstd.compress(json.dumps({"objects": [one]}).encode())
    assert member.send("POST", f"/feed/{room}objects/", {"Content-Encoding": "zstd"}, body).ok(202)["success_count"]
    assert member.get(f"{room}objects/").ok()["objects"] == [one]
    for broken in (b"", b"x", body[:-4], body + b"x"):
        member.send("POST", f"/feed/{room}objects/", {"Content-Encoding": "zstd"}, broken).refused(400)


@pytest.mark.parametrize("body", [b"", b"x", b"{}", WHOLE[:-4], WHOLE + b"x"])
def test_incomplete_gzip_is_refused(member: Peer, room: str, body: bytes) -> None:
    member.send("POST", f"/feed/{room}objects/", {"Content-Encoding": "gzip"}, body).refused(400)


@pytest.mark.parametrize("name", ["br", "compress", "gzip, br", "nonsense"])
def test_unknown_encoding_is_refused_with_the_supported_ones(member: Peer, room: str, name: str) -> None:
    answer = member.send("POST", f"/feed/{room}objects/", {"Content-Encoding": name}, b"{}")
    answer.refused(415)
    assert "gzip" in answer.headers["Accept-Encoding"]  # RFC 9110 §15.5.16


def test_body_above_the_limit_after_decompression_is_refused(
    server: Deployment, member: Peer, room: str
) -> None:  # 413
    largest = member.get("").ok()["max_content_length"]
    packer = zlib.compressobj(1, zlib.DEFLATED, 31)
    spaces = b" " * 1_048_576
    body = b"".join(packer.compress(spaces) for _ in range(largest // len(spaces) + 1)) + packer.flush()
    member.send("POST", f"/feed/{room}objects/", {"Content-Encoding": "gzip"}, body).refused(413)
    body = zstd.compress(b" " * (largest + 1))
    member.send("POST", f"/feed/{room}objects/", {"Content-Encoding": "zstd"}, body).refused(413)
