"""The media type of a file, by its content: its name may be wrong, and is not stored."""

import puremagic

PLAIN = "text/plain"
UNKNOWN = "application/octet-stream"
# Number of bytes that are checked.
HEAD_BYTES = 8_192


def media_type_of(head: bytes) -> str:
    """Return the media type of a file by its first bytes."""
    try:
        found = puremagic.from_string(head, mime=True)
    except (puremagic.PureError, ValueError):
        found = ""
    if found and "/" in found:
        return str(found)
    return PLAIN if _is_text(head) else UNKNOWN


def _is_text(head: bytes) -> bool:
    # The last character may be cut.
    text = head.decode(errors="ignore")
    return len(text.encode()) >= len(head) - 3 and "\x00" not in text and bool(text)
