"""A partner as a witness: it follows a log, and cosigns the heads that follow from all that it cosigned before."""

import os
import time
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from feeds.connector import Misconfigured
from feeds.ledger.heads import BrokenLog, follow
from feeds.ledger.log_client import LedgerHub, LogClient
from feeds.ledger.state import LogState
from schemas.ledger.errors import BadFormat
from schemas.ledger.notes import COSIGNATURE, SignedNote, SignerKey, VerifierKey

_LONGEST_KEY = 4096


class WitnessedHead(NamedTuple):
    """The head of a log that a witness has vouched for: the log's name, its size, and whether it was cosigned now."""

    origin: str
    size: int
    is_new: bool


class LogWitness:
    """Cosigns logs of one hub; in ``folder`` is what it remembers of each, without which it vouches for nothing."""

    def __init__(self, hub: LedgerHub, token: str, keys: tuple[VerifierKey, ...], signer: SignerKey, folder: Path):
        """Trust heads that one of ``keys`` signed, and cosign by ``signer``. Raises ``Misconfigured``."""
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
        """Cosign the head of the log of a collection, and send that to the hub.

        It is remembered before it is cosigned. Raises ``BrokenLog``, the notes of which are then in the folder,
        ``TryLater`` and ``Misconfigured``.
        """
        name = quote(collection, safe="")
        with (
            LogClient.of(self._hub, self._token, collection) as log,
            LogState(self._folder / f"{name}.db", log.url) as state,
        ):
            try:
                # The hub's own memory of what this witness cosigned counts too: ours may have been lost.
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
        """Keep the notes that show how a log is broken, in place of those that were kept before."""
        for number, note in enumerate(notes, 1):
            (self._folder / f"{name}.broken-{number}.note").write_bytes(note)


def make_key(file: Path, name: str) -> SignerKey:
    """Make the key of a witness in a new file, which its owner alone reads. Raises ``Misconfigured``."""
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
    """Return the key of a witness in a file that its owner alone may read. Raises ``Misconfigured``."""
    try:
        mode = file.stat().st_mode
        with file.open(encoding="ascii") as text:
            key = SignerKey.parse(text.read(_LONGEST_KEY).strip())
    except OSError as error:
        raise Misconfigured(f"{file}: cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise Misconfigured(f"{file}: {error}") from None
    if mode & 0o077:
        raise Misconfigured(f"{file}: others than its owner may read it: chmod 600 it")
    if key.kind != COSIGNATURE:
        raise Misconfigured(f"{file}: it is not the key of a witness")
    return key
