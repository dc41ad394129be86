"""Messages of Outlook (.msg)."""

import struct
from collections.abc import Iterable, Mapping
from typing import ClassVar

from feeds.format import DocumentFormat, Example, Head

_COMPOUND = b"\xd0\xcf\x11\xe0"
# A name in the directory of a compound file that only messages have, as it looks in text.
_OF_MESSAGE = "\0".join("__properties_version1.0")


class OutlookMessage(DocumentFormat):
    """The text of a message, and its attachments, each by its own format."""

    name: ClassVar[str] = "outlook"
    endings: ClassVar[tuple[str, ...]] = ("msg",)
    binary: ClassVar[bool] = True
    reader: ClassVar[str] = "outlook"

    def score(self, head: Head) -> float:
        """Return a high score for a compound file with the streams of a message."""
        if not head.magic.startswith(_COMPOUND):
            return 0
        return 0.95 if _OF_MESSAGE in head.text else 0.85

    def examples(self) -> Iterable[Example]:
        yield Example(
            build_message("Fake shops", "Domains of these scams:\r\n- a[.]example[.]com\r\n"),
            [{"value": "a[.]example[.]com"}],
        )


_SECTOR, _MINI = 512, 64
_END, _FAT, _FREE = 0xFFFFFFFE, 0xFFFFFFFD, 0xFFFFFFFF
_ROOT, _STREAM = 5, 2
_STRING = 0x001F
_SUBJECT, _BODY = 0x0037, 0x1000


def build_message(subject: str, body: str) -> bytes:
    """Return a message with a subject and a plain text of less than 4,096 bytes ([MS-OXMSG], [MS-CFB])."""
    texts = {_SUBJECT: subject.encode("utf-16-le"), _BODY: body.encode("utf-16-le")}
    entries = b"".join(struct.pack("<HHIII", _STRING, name, 6, len(text) + 2, 0) for name, text in texts.items())
    streams = {f"__substg1.0_{name:04X}{_STRING:04X}": text for name, text in texts.items()}
    return _compound(streams | {"__properties_version1.0": bytes(32) + entries})


def _compound(streams: Mapping[str, bytes]) -> bytes:
    """Return a compound file with these streams in its mini stream."""
    ordered = sorted(streams.items(), key=lambda pair: (len(pair[0]), pair[0].upper()))
    mini, chain, starts = b"", list[int](), list[int]()
    for _, data in ordered:
        count = -(-len(data) // _MINI)
        starts.append(len(chain))
        chain += [*range(len(chain) + 1, len(chain) + count), _END]
        mini += data.ljust(count * _MINI, b"\0")
    directory = _entry(
        "Root Entry", _ROOT, child=1, right=_FREE, start=2 + _sectors(128 * (len(ordered) + 1)), size=len(mini)
    )
    for place, ((name, data), start) in enumerate(zip(ordered, starts, strict=True), 1):
        right = place + 1 if place < len(ordered) else _FREE
        directory += _entry(name, _STREAM, child=_FREE, right=right, start=start, size=len(data))
    parts = [directory, b"".join(map(_word, chain)), mini]
    counts = [_sectors(len(directory)), 1, _sectors(len(mini))]
    fat = [_FAT]
    for count in counts:
        fat += [*range(len(fat) + 1, len(fat) + count), _END]
    head = struct.pack(
        "<8s16sHHHHH6xIIIIIIIII", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"", 0x3E, 3, 0xFFFE, 9, 6, 0, 1, 1, 0, 4096,
        1 + counts[0], 1, _END, 0,
    )  # fmt: skip
    head += _word(0) + _word(_FREE) * 108
    body = b"".join(
        part.ljust(count * _SECTOR, b"\xff" if part is parts[1] else b"\0")
        for part, count in zip(parts, counts, strict=True)
    )
    return head + b"".join(map(_word, fat)).ljust(_SECTOR, b"\xff") + body


def _entry(name: str, kind: int, *, child: int, right: int, start: int, size: int) -> bytes:
    spelled = name.encode("utf-16-le") + b"\0\0"
    return spelled.ljust(64, b"\0") + struct.pack(
        "<HBBIII36xIII", len(spelled), kind, 1, _FREE, right, child, start, size, 0
    )


def _word(number: int) -> bytes:
    return struct.pack("<I", number)


def _sectors(size: int) -> int:
    return -(-size // _SECTOR)
