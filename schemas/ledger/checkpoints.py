"""Checkpoints (C2SP tlog-checkpoint): the name of a log, the size of its tree and its root, signed as a note."""

import re
from base64 import b64decode, b64encode
from collections.abc import Sequence
from typing import NamedTuple

from schemas.ledger.errors import BadFormat, BadProof
from schemas.ledger.notes import NoteSigner, SignedNote, VerifierKey, sign
from schemas.ledger.trees import HASH

_NUMBER = re.compile(r"0|[1-9][0-9]{0,18}")


class Checkpoint(NamedTuple):
    """The head of a log's tree."""

    origin: str
    size: int
    root: bytes

    @classmethod
    def parse(cls, text: str) -> "Checkpoint":
        """Read the text of a checkpoint's note; lines beyond the third are ignored. Raises ``BadFormat``."""
        lines = text.split("\n")
        if len(lines) < 4 or lines.pop() != "" or not all(lines):
            raise BadFormat("not a checkpoint: it has three lines or more, none of them empty")
        return cls(lines[0], read_number(lines[1]), read_hash(lines[2]))

    @property
    def text(self) -> str:
        """Return the text that is signed."""
        return f"{self.origin}\n{self.size}\n{b64encode(self.root).decode()}\n"

    def sign(self, keys: Sequence[NoteSigner]) -> SignedNote:
        """Return the checkpoint as a note that a hub's keys signed, in the name of the log."""
        return sign(self.text, [key.for_origin(self.origin) for key in keys])


def open_checkpoint(data: bytes, keys: Sequence[VerifierKey]) -> tuple[Checkpoint, SignedNote]:
    """Return a checkpoint, which one of a hub's or log's keys signed, and its note.

    Raises ``BadFormat`` and ``BadProof``.
    """
    note = SignedNote.parse(data)
    checkpoint = Checkpoint.parse(note.text)
    named = []
    for key in keys:
        if checkpoint.origin == key.name or checkpoint.origin.startswith(f"{key.name}/"):
            named.append(key.for_origin(checkpoint.origin))
    if not named:
        raise BadProof("the checkpoint is of another log than the keys")
    note.check(named)
    return checkpoint, note


def read_number(text: str) -> int:
    """Read a number as logs write it. Raises ``BadFormat``."""
    if not _NUMBER.fullmatch(text):
        raise BadFormat("not a number without leading zeroes")
    return int(text)


def read_hash(text: str) -> bytes:
    """Read a hash in base64. Raises ``BadFormat``."""
    try:
        data = b64decode(text, validate=True)
    except ValueError:
        data = b""
    if len(data) != HASH or b64encode(data).decode() != text:
        raise BadFormat("not a SHA-256 in base64")
    return data
