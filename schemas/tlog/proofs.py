"""Checkpoints, proofs as files, and requests to a witness (C2SP tlog-checkpoint, tlog-proof, tlog-witness)."""

import re
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from schemas.tlog import BadFormat, BadProof
from schemas.tlog.notes import LONGEST_NOTE, NoteSignature, NoteSigner, SignedNote, VerifierKey
from schemas.tlog.trees import HASH, LONGEST_PROOF, check_inclusion, leaf_hash

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
        """Return the checkpoint as a note signed by a hub's keys, in the name of the log and in their own.

        The name is not signed, so that the two lines of a key have the same signature. A verifier of notes opens the
        head with the key of the log, or with the key of the hub, which is the same for all its logs.
        """
        lines = []
        for key in keys:
            line = key.for_origin(self.origin).sign(self.text)
            lines.append(line)
            if key.name != self.origin:
                lines.append(NoteSignature(key.name, key.verifier.id, line.signature))
        return SignedNote(self.text, tuple(lines))


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


_FIRST = "c2sp.org/tlog-proof@v1"
_LONGEST = LONGEST_NOTE + 16 * 1024


@dataclass(frozen=True, slots=True)
class LogProof:
    """The proof that an entry is in a log: its index, the path to the root, the signed checkpoint, and extra data."""

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: bytes
    extra: bytes = b""

    @classmethod
    def parse(cls, data: bytes) -> "LogProof":
        """Read a file of a proof; nothing of it is checked. Raises ``BadFormat``."""
        lines, checkpoint = _parts(data)
        first = lines.pop(0)
        extra = b""
        if lines and lines[0].startswith("extra "):
            extra = _decoded(lines.pop(0).removeprefix("extra "))
        if first != _FIRST or not lines or not lines[0].startswith("index "):
            raise BadFormat("not a proof of inclusion in a log")
        index = read_number(lines.pop(0).removeprefix("index "))
        return cls(index, _hashes(lines), checkpoint, extra)

    def __bytes__(self) -> bytes:
        """Return the proof as a file."""
        extra = [f"extra {b64encode(self.extra).decode()}"] if self.extra else []
        lines = [_FIRST, *extra, f"index {self.index}", *_encoded(self.hashes)]
        return "\n".join(lines).encode() + b"\n\n" + self.checkpoint

    def check(self, entry: bytes, keys: Sequence[VerifierKey]) -> tuple[Checkpoint, SignedNote]:
        """Check that a log of these keys has the entry; return the checkpoint that says so, and its note.

        Raises ``BadFormat`` and ``BadProof``.
        """
        checkpoint, note = open_checkpoint(self.checkpoint, keys)
        check_inclusion(leaf_hash(entry), self.index, checkpoint.size, self.hashes, checkpoint.root)
        return checkpoint, note


class CheckpointAddition(NamedTuple):
    """The body by which a log asks a witness to cosign: the size that it knows, how the new one follows, and that."""

    old: int
    hashes: tuple[bytes, ...]
    checkpoint: bytes

    @classmethod
    def parse(cls, data: bytes) -> "CheckpointAddition":
        """Read such a body; nothing of it is checked. Raises ``BadFormat``."""
        lines, checkpoint = _parts(data)
        if not lines[0].startswith("old "):
            raise BadFormat("not a checkpoint with its proof of consistency")
        return cls(read_number(lines[0].removeprefix("old ")), _hashes(lines[1:]), checkpoint)

    def __bytes__(self) -> bytes:
        """Return the body."""
        return "\n".join([f"old {self.old}", *_encoded(self.hashes)]).encode() + b"\n\n" + self.checkpoint


def _parts(data: bytes) -> tuple[list[str], bytes]:
    """Return the lines before the first empty one, and all after it."""
    head, gap, checkpoint = data.partition(b"\n\n")
    if not gap or len(data) > _LONGEST:
        raise BadFormat("a proof has lines, an empty one, and a checkpoint")
    try:
        return head.decode("ascii").split("\n"), checkpoint
    except UnicodeDecodeError:
        raise BadFormat("a proof has other letters than ASCII before its checkpoint") from None


def _hashes(lines: list[str]) -> tuple[bytes, ...]:
    if len(lines) > LONGEST_PROOF:
        raise BadFormat("a proof has too many hashes")
    return tuple(map(read_hash, lines))


def _encoded(hashes: Sequence[bytes]) -> list[str]:
    return [b64encode(hash_).decode() for hash_ in hashes]


def _decoded(text: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except ValueError:
        raise BadFormat("not base64") from None
