"""The secret keys of the ledger: a file that only its owner can read, made if neither it nor a ledger exists.

The newest key of the log is first; older keys also sign until their overlap ends. The same file has the key with which
this hub is a witness for others. For an HSM key it has the public key and the URI.
"""

import logging
import os
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, TypeAlias

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from schemas.tlog import BadFormat
from schemas.tlog.notes import COSIGNATURE, ED25519, NoteSignature, SignedNote, SignerKey, VerifierKey
from schemas.tlog.proofs import Checkpoint
from schemas.tlog.signatures import BadSigningKey
from server.release.hsm import PREFIX, HsmKey
from server.release.key_files import BadKeyFile, read_secret
from server.store import Store, Tx
from server.store.database.times import now
from server.store.ledger import heads, keys as known_keys

log = logging.getLogger(__name__)

_COMMENT = "# The secret keys of the ledger. Anyone who has them can sign in the name of this hub.\n"


class BadLedgerKey(Exception):
    """The keys of the ledger cannot be used; the message states the reason and the way out."""


class HsmLogKey(NamedTuple):
    """The key of a log in an HSM, which only signs."""

    verifier: VerifierKey
    key: HsmKey

    @classmethod
    def parse(cls, text: str) -> "HsmLogKey":
        """Read a public key and the URI of its private one. Raises ``BadFormat`` and ``BadSigningKey``."""
        public, _, uri = text.partition(" ")
        verifier = VerifierKey.parse(public)
        if verifier.kind != ED25519:
            raise BadFormat("the key of a witness cannot be in an HSM")
        return cls(verifier, HsmKey(uri.strip(), Ed25519PublicKey.from_public_bytes(verifier.public)))

    @classmethod
    def of(cls, name: str, uri: str) -> "HsmLogKey":
        """Return the key that a URI names, with the name of the hub's logs. Raises ``BadSigningKey``."""
        key = HsmKey(uri)
        return cls(VerifierKey(name, ED25519, key.public_key().public_bytes_raw()), key)

    @property
    def name(self) -> str:
        """Return the name of the key."""
        return self.verifier.name

    @property
    def kind(self) -> int:
        """Return the kind of keys that sign checkpoints."""
        return self.verifier.kind

    @property
    def text(self) -> str:
        """Return the key as written in the file, without any secret."""
        return f"{self.verifier} {self.key.uri}"

    def for_origin(self, origin: str) -> "HsmLogKey":
        """Return the key under the name of a log."""
        return self._replace(verifier=self.verifier.for_origin(origin))

    def sign(self, text: str) -> NoteSignature:
        """Return the signature of a note's text. Raises ``BadSigningKey``."""
        return NoteSignature(self.name, self.verifier.id, self.key.sign(text.encode()))


LogKey: TypeAlias = SignerKey | HsmLogKey


class LedgerKeys(NamedTuple):
    """The current signing keys, the newest first, and the key of the witness."""

    log: tuple[LogKey, ...]
    witness: SignerKey

    @property
    def name(self) -> str:
        """Return the common prefix of the names of the hub's logs."""
        return self.log[0].name

    def note(self, checkpoint: Checkpoint) -> SignedNote:
        """Return a checkpoint of one of the hub's logs as a note signed with these keys. Raises ``BadLedgerKey``."""
        try:
            return checkpoint.sign(self.log)
        except BadSigningKey as error:
            raise BadLedgerKey(str(error)) from None

    def sign(self, checkpoint: Checkpoint) -> bytes:
        """Return the note of a checkpoint as it is served. Raises ``BadLedgerKey``."""
        return bytes(self.note(checkpoint))


def load_recovery(file: Path, host: str, *, make: bool = False) -> SignerKey:
    """Read the recovery key, which signs the next key of the logs for other hubs; with ``make``, create it if missing.

    It is kept offline. Raises ``BadLedgerKey``.
    """
    if make and not file.exists():
        _make(file, [SignerKey.make(f"{host}/recovery")])
    found = _read(file)
    if len(found) != 1 or not isinstance(found[0], SignerKey) or found[0].kind != ED25519:
        raise BadLedgerKey(f"{file}: it has to have the recovery key alone, as scamfeed log recovery-key makes it")
    return found[0]


def load(store: Store, file: Path, host: str) -> LedgerKeys:
    """Read the keys; make them if there is no file, and no ledger in the store, named ``host`` or at random.

    Raises ``BadLedgerKey``.
    """
    if str(file).startswith(PREFIX):
        raise BadLedgerKey("ledger_key_file is a file; to add an HSM key to it: scamfeed log rotate --pkcs11")
    with store.read() as tx:
        known = {key.key: key for key in known_keys.known(tx)}
    if not known and not file.exists():
        # Two hubs without an address have different names: other hubs know them by the names of their keys.
        host = host or f"{secrets.token_hex(4)}.localhost"
        _make(file, [SignerKey.make(f"{host}/log"), SignerKey.make(f"{host}/witness", COSIGNATURE)])
    found = _read(file)
    _make_known(store, file, found, set(known))
    ended = {key.key for key in known.values() if key.until is not None and key.until < now()}
    signing = [key for key in found if key.kind == ED25519 and str(key.verifier) not in ended]
    witnesses = [key for key in found if isinstance(key, SignerKey) and key.kind == COSIGNATURE]
    if not signing or not witnesses:
        raise BadLedgerKey(f"{file}: it needs the key of a log and the key of a witness")
    return LedgerKeys(tuple(signing), witnesses[0])


def _make_known(store: Store, file: Path, found: list[LogKey], known: set[str]) -> None:
    """Register the keys of a file in the store, if it has one that the store knows. Raises ``BadLedgerKey``."""
    new = [str(key.verifier) for key in found if str(key.verifier) not in known]
    if known and len(new) == len(found):
        raise BadLedgerKey(f"{file}: the ledger of this store was signed by other keys; restore the file that has them")
    if new:
        with store.begin() as tx:
            for key in new:
                known_keys.add(tx, key)


class NewLedgerKey(NamedTuple):
    """A new key of the logs in the key file, and the keys before it."""

    key: LogKey
    before: LedgerKeys


def make_new(store: Store, file: Path, host: str, uri: str | None = None) -> NewLedgerKey:
    """Add a new key to the key file, or with ``uri`` that HSM key. Raises ``BadLedgerKey``."""
    before = load(store, file, host)
    new = _new_key(before.name, uri)
    _write(file, [new, *before.log, before.witness])
    return NewLedgerKey(new, before)


def rotate(tx: Tx, new: NewLedgerKey, overlap: int) -> LedgerKeys:
    """Sign with a new key; the old one signs too for ``overlap`` microseconds.

    Both keys sign the newest checkpoint of each log.
    """
    known_keys.add(tx, str(new.key.verifier))
    known = {key.key: key for key in known_keys.known(tx)}
    for key in new.before.log:
        if known[str(key.verifier)].until is None:
            known_keys.retire(tx, str(key.verifier), now() + overlap)
    after = LedgerKeys((new.key, *new.before.log), new.before.witness)
    sign_all(tx, after)
    return after


def _new_key(name: str, uri: str | None) -> LogKey:
    try:
        return SignerKey.make(name) if uri is None else HsmLogKey.of(name, uri)
    except BadSigningKey as error:
        raise BadLedgerKey(str(error)) from None


def sign_all(tx: Tx, keys: LedgerKeys) -> None:
    """Sign the newest checkpoint of each log again."""
    for tree in heads.all_trees(tx):
        if tree.noted == tree.size:
            heads.sign_again(tx, tree.collection, tree.size, keys.sign(Checkpoint(tree.origin, tree.size, tree.root)))


def _read(file: Path) -> list[LogKey]:
    try:
        lines = read_secret(file, "; it has the keys by which the ledger is signed").splitlines()
    except BadKeyFile as error:
        raise BadLedgerKey(str(error)) from None
    try:
        return [_key(line) for line in lines if line and not line.startswith("#")]
    except (BadFormat, BadSigningKey) as error:
        raise BadLedgerKey(f"{file}: {error}") from None


def _key(line: str) -> LogKey:
    """Read a line of the file. Raises ``BadFormat`` and ``BadSigningKey``."""
    return HsmLogKey.parse(line) if f" {PREFIX}" in line else SignerKey.parse(line)


def _make(file: Path, keys: list[SignerKey]) -> None:
    """Create the file, atomically; if two processes do so at once, the first one's file stays."""
    try:
        made = _written(file, keys)
    except OSError as error:
        raise BadLedgerKey(f"{file}: cannot be made: {error.strerror}") from None
    try:
        os.link(made, file)
        log.info("ledger-keys-made file=%s", file.name)
    except FileExistsError:
        pass
    except OSError as error:
        raise BadLedgerKey(f"{file}: cannot be made: {error.strerror}") from None
    finally:
        made.unlink(missing_ok=True)


def _write(file: Path, keys: Sequence[LogKey]) -> None:
    try:
        _written(file, keys).replace(file)
    except OSError as error:
        raise BadLedgerKey(f"{file}: cannot be written: {error.strerror}") from None


def _written(file: Path, keys: Sequence[LogKey]) -> Path:
    made = file.with_name(f"{file.name}.{os.getpid()}")
    made.unlink(missing_ok=True)
    with os.fdopen(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        out.write(_COMMENT + "".join(f"{key.text}\n" for key in keys))
        out.flush()
        os.fsync(out.fileno())
    return made
