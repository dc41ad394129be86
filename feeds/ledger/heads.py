"""The head of a log, followed: signed by the hub, cosigned by witnesses, and never of another past than before."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from feeds.ledger.log_client import LogClient
from schemas.ledger import trees
from schemas.ledger.checkpoints import Checkpoint, open_checkpoint
from schemas.ledger.errors import BadFormat, BadProof
from schemas.ledger.notes import SignedNote, VerifierKey
from schemas.ledger.tiles import HEIGHT, TileNodes


class BrokenLog(Exception):
    """The log is not the one that it was, or is not the hub's: the text says how, and ``notes`` are what shows it."""

    def __init__(self, text: str, *notes: bytes) -> None:
        """Describe what was found."""
        super().__init__(text)
        self.notes = notes


class HeadMemory(Protocol):
    """Remembers the head of one log between two runs."""

    def head(self) -> bytes | None:
        """Return the signed checkpoint of the run before, None at the first."""

    def store_head(self, note: bytes, before: bytes | None) -> None:
        """Remember a checkpoint in place of ``before``, which it follows."""


@dataclass
class LogHead:
    """The head of a log that was checked: its checkpoint, its note, its subtrees, and the witnesses that cosigned it.

    ``cosigned`` is the size up to which ``cosigned_by`` vouch; 0 without witnesses.
    """

    checkpoint: Checkpoint
    note: bytes
    nodes: TileNodes
    cosigned_by: tuple[str, ...]
    cosigned: int
    _proven_tiles: set[int] = field(default_factory=set)

    def has(self, index: int, leaf: bytes) -> bool:
        """Return whether the entry at ``index`` has the hash ``leaf``. Raises ``BadFormat`` and ``BadProof``."""
        size = self.checkpoint.size
        if not 0 <= index < size:
            raise BadProof("the log has no such entry")
        found, tile = self.nodes(0, index), index >> HEIGHT
        if tile not in self._proven_tiles:
            # The path from one entry to the root is computed from all others of its tile, and so proves them too.
            path = trees.inclusion_proof(self.nodes, index, size)
            trees.check_inclusion(found, index, size, path, self.checkpoint.root)
            self._proven_tiles.add(tile)
        return found == leaf


def follow(
    log: LogClient, keys: Sequence[VerifierKey], witnesses: Sequence[VerifierKey], state: HeadMemory | None
) -> LogHead:
    """Return the head of a log once it follows from the one in ``state``, which is replaced by it.

    Raises ``BrokenLog`` where it does not follow, or nobody trusted signed it.
    """
    # Before the newest one, which therefore is never the smaller of the two.
    cosigned = log.cosigned() if witnesses else None
    note = log.checkpoint()
    checkpoint = _open(note, keys)[0]
    nodes = TileNodes(log.tile, checkpoint.size)
    _check_root(checkpoint, nodes, note)
    before = state.head() if state else None
    if before is not None:
        _check_follows(_open(before, keys)[0], checkpoint, nodes, (before, note))
    names, size = _check_cosigned(cosigned, keys, witnesses, checkpoint, nodes, note)
    if state is not None:
        state.store_head(note, before)
    return LogHead(checkpoint, note, nodes, names, size)


def check_round(head: LogHead, note: bytes, keys: Sequence[VerifierKey]) -> None:
    """Check a checkpoint that came another way, as in a note of the collection, against the head of the log.

    What none of ``keys`` signed, and what is of another log, says nothing. Raises ``BrokenLog`` where the hub signed
    another truth than the log that it serves.
    """
    try:
        checkpoint, _ = open_checkpoint(note, keys)
    except (BadFormat, BadProof):
        return
    if checkpoint.size and checkpoint.origin == head.checkpoint.origin:
        _check_follows(checkpoint, head.checkpoint, head.nodes, (note, head.note))


def _open(note: bytes, keys: Sequence[VerifierKey]) -> tuple[Checkpoint, SignedNote]:
    try:
        checkpoint, signed = open_checkpoint(note, keys)
    except (BadFormat, BadProof) as error:
        raise BrokenLog(f"the head of the log is not to be trusted: {error}", note) from error
    if checkpoint.size == 0:
        raise BrokenLog("the head of the log is that of an empty tree, from which nothing follows", note)
    return checkpoint, signed


def _check_root(checkpoint: Checkpoint, nodes: TileNodes, note: bytes) -> None:
    try:
        is_root = trees.root(nodes, checkpoint.size) == checkpoint.root
    except BadFormat:
        is_root = False
    if not is_root:
        raise BrokenLog("the tiles of the log do not lead to the root that the hub signed", note)


def _check_follows(old: Checkpoint, new: Checkpoint, nodes: TileNodes, notes: tuple[bytes, bytes]) -> None:
    if old.origin != new.origin:
        raise BrokenLog("the log has another name than before", *notes)
    if new.size < old.size:
        raise BrokenLog(f"the log went back from {old.size} to {new.size} entries", *notes)
    try:
        proof = trees.consistency_proof(nodes, old.size, new.size)
        trees.check_consistency(old.size, new.size, old.root, new.root, proof)
    except (BadFormat, BadProof):
        raise BrokenLog(f"the log has another past than before, within its first {old.size} entries", *notes) from None


def _check_cosigned(
    cosigned: bytes | None,
    keys: Sequence[VerifierKey],
    witnesses: Sequence[VerifierKey],
    head: Checkpoint,
    nodes: TileNodes,
    note: bytes,
) -> tuple[tuple[str, ...], int]:
    """Return the witnesses of the cosigned head, and its size; the newest head begins with that one."""
    if cosigned is None:
        return (), 0
    checkpoint, signed = _open(cosigned, keys)
    try:
        by = sorted(found.key.name for found in signed.signed_by(witnesses))
    except BadProof as error:
        raise BrokenLog(f"the cosigned head is not to be trusted: {error}", cosigned) from error
    _check_follows(checkpoint, head, nodes, (cosigned, note))
    return tuple(by), checkpoint.size if by else 0
