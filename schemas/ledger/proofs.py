"""Proofs as files (C2SP tlog-proof), and what a log sends a witness (C2SP tlog-witness, add-checkpoint)."""

from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from schemas.ledger.checkpoints import Checkpoint, open_checkpoint, read_hash, read_number
from schemas.ledger.errors import BadFormat
from schemas.ledger.notes import LONGEST_NOTE, SignedNote, VerifierKey
from schemas.ledger.trees import LONGEST_PROOF, check_inclusion, leaf_hash

_FIRST = "c2sp.org/tlog-proof@v1"
_LONGEST = LONGEST_NOTE + 16 * 1024


@dataclass(frozen=True, slots=True)
class LogProof:
    """The proof that an entry is in a log: its index, the path to the root, the signed checkpoint, and what else."""

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
