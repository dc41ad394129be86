"""Time-stamps from an openssl authority over a socket."""

import hashlib
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from rfc3161_client._rust import parse_timestamp_request

from feeds.connector import Misconfigured, TryLater
from feeds.transport import timestamps
from feeds.transport.timestamps import TimestampAuthority
from tests.timestamp_authority import make_authority, serving_authority

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")

DIGEST = hashlib.sha256(b"evidence").digest()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("authority")
    make_authority(made)
    return made


@pytest.fixture(scope="module")
def authority(folder: Path) -> Iterator[TimestampAuthority]:
    with serving_authority(folder) as url:
        yield TimestampAuthority(url=url, root_file=folder / "ca.pem", allow_private=True)


def test_a_timestamp_is_verified_and_openssl_verifies_it_too(authority: TimestampAuthority, folder: Path) -> None:
    stamp = timestamps.fetch(authority, DIGEST)
    (folder / "token.tsr").write_bytes(stamp.response)
    command = f"openssl ts -verify -digest {DIGEST.hex()} -in token.tsr -CAfile ca.pem"
    subprocess.run(command.split(), cwd=folder, check=True, capture_output=True)


def test_a_timestamp_of_another_file_or_of_another_authority_is_refused(
    authority: TimestampAuthority, tmp_path: Path
) -> None:
    stamp = timestamps.fetch(authority, DIGEST)
    with pytest.raises(Misconfigured):
        timestamps.verified(authority, stamp.response, hashlib.sha256(b"another").digest())
    with pytest.raises(Misconfigured):
        timestamps.verified(authority, stamp.response[:-9], DIGEST)
    make_authority(tmp_path)
    other = authority.model_copy(update={"root_file": tmp_path / "ca.pem"})
    with pytest.raises(Misconfigured):
        timestamps.verified(other, stamp.response, DIGEST)
    with pytest.raises(Misconfigured, match="timestamp_ca_file"):
        timestamps.verified(other.model_copy(update={"root_file": tmp_path / "none"}), stamp.response, DIGEST)


def test_unresponsive_authority_is_tried_later(authority: TimestampAuthority) -> None:
    with pytest.raises(TryLater):
        timestamps.fetch(authority.model_copy(update={"url": "http://127.0.0.1:9/", "retries": 0}), DIGEST)


@pytest.mark.parametrize("nonce", [bytes(8), b"\xff" * 8, b"\x00\x80" + bytes(6), b"\x01" * 8])
def test_request_follows_the_rfc(nonce: bytes) -> None:
    request = parse_timestamp_request(timestamps.request_of(DIGEST, nonce))
    assert (request.version, request.nonce, request.cert_req) == (1, int.from_bytes(nonce, "big"), True)
    assert request.message_imprint.message == DIGEST
