import io
import secrets
from pathlib import Path

import pytest

from server.features.evidence.encryption import EvidenceKey, UnreadableEvidence, decrypted, encrypted
from server.release.key_files import BadKeyFile

PART = 1 << 20
KEY = secrets.token_bytes(32)


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    file = tmp_path / "key"
    file.write_text("ab" * 32)
    file.chmod(0o600)
    return file


def _round(content: bytes, step: int) -> bytes:
    chunks = [content[start : start + step] for start in range(0, len(content), step)]
    stored = b"".join(encrypted(chunks, KEY))
    assert content[:64] not in stored or len(content) < 8
    return b"".join(decrypted(io.BytesIO(stored), KEY))


@pytest.mark.parametrize("size", [0, 1, PART - 1, PART, PART + 1, 2 * PART])
def test_file_survives_the_round_trip(size: int) -> None:
    content = secrets.token_bytes(size)
    assert _round(content, 300_000) == content


@pytest.mark.parametrize("place", [0, 7, 40, PART + 30, -1])
def test_flipped_byte_is_detected(place: int) -> None:
    stored = bytearray(b"".join(encrypted([secrets.token_bytes(PART + 10)], KEY)))
    stored[place] ^= 1
    with pytest.raises(UnreadableEvidence):
        list(decrypted(io.BytesIO(bytes(stored)), KEY))


def test_truncated_or_moved_parts_are_detected() -> None:
    part = PART + 16
    stored = b"".join(encrypted([secrets.token_bytes(3 * PART)], KEY))
    head, parts = stored[:7], [stored[7 + at : 7 + at + part] for at in range(0, 3 * part, part)]
    for changed in (parts[:2], parts[1:], [parts[1], parts[0], parts[2]], [*parts, parts[2]], []):
        with pytest.raises(UnreadableEvidence):
            list(decrypted(io.BytesIO(head + b"".join(changed)), KEY))


def test_file_key_opens_only_its_file_and_only_with_the_master_key(key_file: Path, tmp_path: Path) -> None:
    key = EvidenceKey(key_file)
    plain, sealed = key.new_file_key("one")
    assert key.open_file_key(sealed, "one") == plain
    with pytest.raises(UnreadableEvidence):
        key.open_file_key(sealed, "another")
    other = tmp_path / "other"
    other.write_text("cd" * 32)
    other.chmod(0o600)
    with pytest.raises(UnreadableEvidence):
        EvidenceKey(other).open_file_key(sealed, "one")
    assert key.place(sealed) != EvidenceKey(other).place(sealed)


def test_key_readable_by_others_is_refused(key_file: Path) -> None:
    key_file.chmod(0o640)
    with pytest.raises(BadKeyFile, match="chmod 600"):
        EvidenceKey(key_file)
    with pytest.raises(BadKeyFile, match="64 hexadecimal"):
        EvidenceKey(key_file.with_name("none"))
