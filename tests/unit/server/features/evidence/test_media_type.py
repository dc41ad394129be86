import pytest

from server.features.evidence.media_type import media_type_of


@pytest.mark.parametrize(
    ("head", "media_type"),
    [
        (b"%PDF-1.7\n", "application/pdf"),
        (b"\x89PNG\r\n\x1a\n" + bytes(40), "image/png"),
        (b"\xff\xd8\xff\xe0" + b"0" * 40, "image/jpeg"),
        (b"I was called by somebody", "text/plain"),
        ("มีคนโทรมา".encode()[:-1], "text/plain"),
        (b"\x00\x01\x02\x03zz", "application/octet-stream"),
        (b"\xe0\xe1\xe2\xe3" * 9, "application/octet-stream"),
    ],
)
def test_a_media_type_is_found_by_content(head: bytes, media_type: str) -> None:
    assert media_type_of(head) == media_type
