"""The head of a log: signed by the hub, consistent with earlier heads, accounted for, and cosigned by witnesses."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import NamedTuple, Protocol
from urllib.parse import quote

from feeds.client.verify.log_client import LedgerHub, LogClient, LogState
from feeds.errors import Misconfigured
from schemas.tlog import BadFormat, BadProof, trees
from schemas.tlog.entries import Entry, EntryKind, Opening, Openings, read_moment
from schemas.tlog.notes import COSIGNATURE, SignedNote, SignerKey, VerifierKey
from schemas.tlog.proofs import Checkpoint, open_checkpoint
from schemas.tlog.trees import HEIGHT, WIDTH, TileNodes, TilePath, unbundle, width_at


class BrokenLog(Exception):
    """The log was changed, or is not the hub's: the text says how, and ``notes`` are the evidence."""

    def __init__(self, text: str, *notes: bytes) -> None:
        super().__init__(text)
        self.notes = notes


class HeadMemory(Protocol):
    """Stores the head of one log between two runs."""

    def head(self) -> bytes | None:
        """Return the signed checkpoint of the previous run, None at the first."""

    def store_head(self, note: bytes, before: bytes | None) -> None:
        """Store a checkpoint in place of ``before``, its predecessor."""


@dataclass
class LogHead:
    """A checked head of a log: its checkpoint, its note, its subtrees, and the witnesses that cosigned it.

    ``cosigned_by`` vouch for the entries up to the size ``cosigned``; 0 without witnesses.
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
    """Return the head of a log after proving that it extends the one in ``state``, which it then replaces.

    Raises ``BrokenLog`` if it does not extend it, or no trusted key signed it.
    """
    # Read before the newest head, which therefore is never the smaller of the two.
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
    """Check a checkpoint from another source, such as a note in the collection, against the head of the log.

    Checkpoints of other logs, and those that none of ``keys`` signed, are ignored. Raises ``BrokenLog`` if the hub
    signed a checkpoint that contradicts the log that it serves.
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
        raise BrokenLog(f"the head of the log cannot be trusted: {error}", note) from error
    if checkpoint.size == 0:
        raise BrokenLog("the head of the log is that of an empty tree, which proves nothing", note)
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
        raise BrokenLog("the log has a different name than before", *notes)
    if new.size < old.size:
        raise BrokenLog(f"the log went back from {old.size} to {new.size} entries", *notes)
    try:
        proof = trees.consistency_proof(nodes, old.size, new.size)
        trees.check_consistency(old.size, new.size, old.root, new.root, proof)
    except (BadFormat, BadProof):
        raise BrokenLog(f"the history of the log has changed within its first {old.size} entries", *notes) from None


def _check_cosigned(
    cosigned: bytes | None,
    keys: Sequence[VerifierKey],
    witnesses: Sequence[VerifierKey],
    head: Checkpoint,
    nodes: TileNodes,
    note: bytes,
) -> tuple[tuple[str, ...], int]:
    """Return the witnesses of the cosigned head, and its size; the newest head must extend that one."""
    if cosigned is None:
        return (), 0
    checkpoint, signed = _open(cosigned, keys)
    try:
        by = sorted(found.key.name for found in signed.signed_by(witnesses))
    except BadProof as error:
        raise BrokenLog(f"the cosigned head cannot be trusted: {error}", cosigned) from error
    _check_follows(checkpoint, head, nodes, (cosigned, note))
    return tuple(by), checkpoint.size if by else 0


# At most this many missing entries are listed.
_MOST_NAMED = 100
# One byte is stored per entry, and a hub may claim any number: larger logs are not accounted for.
_MOST_ENTRIES = 1 << 27
_UNKNOWN, _OPENED, _REMOVED, _WITHHELD = range(4)
_OBJECTS = (EntryKind.PUBLISHED, EntryKind.PUBLISHED_RAW)


class MissingEntry(NamedTuple):
    """The index of an entry that is not accounted for, and when its object was added (microseconds), 0 if unknown."""

    place: int
    date_added: int


@dataclass(frozen=True)
class LogCoverage:
    """The account of the first ``size`` entries of a log.

    ``missing`` counts entries that are not accounted for; ``named`` has the first of them. ``withheld`` counts the
    entries that this reader may not read; the last of them was added at ``withheld_up_to`` (microseconds).
    ``unsettled``: pending removals will account for all missing entries once they are signed.
    """

    size: int
    missing: int = 0
    named: tuple[MissingEntry, ...] = ()
    withheld: int = 0
    withheld_up_to: int = 0
    unsettled: bool = False


def read_coverage(log: LogClient, head: LogHead, note: Callable[[Opening], None]) -> LogCoverage:
    """Read all openings of a log, and account for each of its entries up to a checked head.

    ``note`` is called with each opening. Raises ``TryLater``, and ``Misconfigured`` for a log that is too large.
    """
    if head.checkpoint.size > _MOST_ENTRIES:
        size = head.checkpoint.size
        raise Misconfigured(f"{log.url}: the log claims {size:,} entries; at most {_MOST_ENTRIES:,} are accounted for")
    account = _Account(log, head)
    for page in log.openings():
        for opening in page.openings:
            note(opening)
        account.add(page)
    return account.result()


@dataclass
class _Account:
    log: LogClient
    head: LogHead
    # By index, how the entry is accounted for.
    _known: bytearray = field(init=False)
    # Entries whose removal is in no head yet, or in a later one.
    _removing: set[int] = field(default_factory=set)
    _granted: int = 0
    _bundles: dict[int, list[bytes]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._known = bytearray(self.head.checkpoint.size)

    def add(self, page: Openings) -> None:
        for opening in page.openings:
            self._add_opening(opening)
        for index in page.withheld:
            if 0 <= index < len(self._known) and not self._known[index]:
                self._known[index] = _WITHHELD
        self._removing.update(index for index in page.removing if 0 <= index < len(self._known))
        if page.granted:
            self._granted = max(self._granted, _moment(page.granted))

    def _add_opening(self, opening: Opening) -> None:
        size, index, removed = len(self._known), opening.index, opening.removed
        if opening.kind in _OBJECTS:
            if 0 <= index < size:
                self._known[index] = _OPENED
        elif index >= size:
            if removed is not None and 0 <= removed < size:
                self._removing.add(removed)
        elif self._is_proven(opening):
            self._known[index] = _OPENED
            if removed is not None and 0 <= removed < index:
                self._known[removed] = _REMOVED

    def _is_proven(self, opening: Opening) -> bool:
        """Return whether the log has the removal or the statement that an opening refers to."""
        try:
            return self.head.has(opening.index, trees.leaf_hash(opening.entry()))
        except (BadFormat, BadProof, OverflowError):
            return False

    def result(self) -> LogCoverage:
        withheld_up_to = 0
        for index, known in enumerate(self._known):
            if known == _WITHHELD:
                # The entry itself states when it was added. A hub may withhold only objects published before the grant.
                entry = self._entry(index)
                if entry is None or entry.kind not in _OBJECTS or entry.date_added > self._granted:
                    self._known[index] = _UNKNOWN
                else:
                    withheld_up_to = max(withheld_up_to, entry.date_added)
        missing = self._known.count(_UNKNOWN)
        return LogCoverage(
            len(self._known),
            missing,
            tuple(self._named(index) for index in islice(self._missing(), _MOST_NAMED)),
            self._known.count(_WITHHELD),
            withheld_up_to,
            missing > 0 and all(index in self._removing for index in self._missing()),
        )

    def _missing(self) -> Iterator[int]:
        index = self._known.find(_UNKNOWN)
        while index >= 0:
            yield index
            index = self._known.find(_UNKNOWN, index + 1)

    def _named(self, index: int) -> MissingEntry:
        entry = self._entry(index)
        return MissingEntry(index, 0 if entry is None else entry.date_added)

    def _entry(self, index: int) -> Entry | None:
        """Return an entry, None if the hub does not serve the one that it signed."""
        number, place = divmod(index, WIDTH)
        try:
            if number not in self._bundles:
                width = width_at(len(self._known), 0, number)
                self._bundles = {number: unbundle(self.log.tile(TilePath(None, number, width)))}
            data = self._bundles[number][place]
            return Entry.parse(data) if self.head.has(index, trees.leaf_hash(data)) else None
        except (BadFormat, BadProof, IndexError):
            return None


def _moment(text: str) -> int:
    try:
        return read_moment(text)
    except BadFormat:
        return 0


_LONGEST_KEY = 4096


class WitnessedHead(NamedTuple):
    """The head that a witness has vouched for: the log's name, its size, and whether it was cosigned now."""

    origin: str
    size: int
    is_new: bool


class LogWitness:
    """Cosigns logs of one hub; ``folder`` has its memory of each log, without which it vouches for nothing."""

    def __init__(self, hub: LedgerHub, token: str, keys: tuple[VerifierKey, ...], signer: SignerKey, folder: Path):
        """Trust heads signed by one of ``keys``, and cosign with ``signer``. Raises ``Misconfigured``."""
        self._hub = hub
        self._token = token
        self._keys = keys
        self._signer = signer
        self._folder = folder
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise Misconfigured(f"{folder}: cannot be made: {error.strerror}") from None

    def cosign(self, collection: str) -> WitnessedHead:
        """Cosign the head of a collection's log, and send the cosignature to the hub.

        The head is stored before it is cosigned. Raises ``BrokenLog`` and stores its notes in the folder. Also raises
        ``TryLater`` and ``Misconfigured``.
        """
        name = quote(collection, safe="")
        with (
            LogClient.of(self._hub, self._token, collection) as log,
            LogState(self._folder / f"{name}.db", log.url) as state,
        ):
            try:
                # The hub's own record of this witness's cosignatures counts too: ours may have been lost.
                head = follow(log, self._keys, (self._signer.verifier,), state)
            except BrokenLog as error:
                self._save(name, error.notes)
                raise
            checkpoint = head.checkpoint
            if head.cosigned == checkpoint.size:
                return WitnessedHead(checkpoint.origin, checkpoint.size, is_new=False)
            text = SignedNote.parse(head.note).text
            cosigned = SignedNote(text, (self._signer.sign(text, int(time.time())),))
            log.post_cosignatures(bytes(cosigned))
            return WitnessedHead(checkpoint.origin, checkpoint.size, is_new=True)

    def _save(self, name: str, notes: tuple[bytes, ...]) -> None:
        """Store the notes that prove the log broken, replacing earlier ones."""
        for number, note in enumerate(notes, 1):
            (self._folder / f"{name}.broken-{number}.note").write_bytes(note)


def make_key(file: Path, name: str) -> SignerKey:
    """Create the key of a witness in a new file that only its owner can read. Raises ``Misconfigured``."""
    try:
        key = SignerKey.make(name, COSIGNATURE)
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as out:
            out.write(f"{key.text}\n")
    except BadFormat as error:
        raise Misconfigured(str(error)) from None
    except OSError as error:
        raise Misconfigured(f"{file}: cannot be made: {error.strerror}") from None
    return key


def read_key(file: Path) -> SignerKey:
    """Read the key of a witness from a file that only its owner may read. Raises ``Misconfigured``."""
    try:
        mode = file.stat().st_mode
        with file.open(encoding="ascii") as text:
            key = SignerKey.parse(text.read(_LONGEST_KEY).strip())
    except OSError as error:
        raise Misconfigured(f"{file}: cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise Misconfigured(f"{file}: {error}") from None
    if mode & 0o077:
        raise Misconfigured(f"{file}: users other than its owner may read it: run chmod 600")
    if key.kind != COSIGNATURE:
        raise Misconfigured(f"{file}: is not the key of a witness")
    return key
