"""Signed notes and their keys (C2SP signed-note), and cosignatures of checkpoints (cosignature/v1)."""

import re
from base64 import b64decode, b64encode
from collections.abc import Iterable, Sequence
from functools import lru_cache
from hashlib import sha256
from typing import NamedTuple, Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from schemas.tlog import BadFormat, BadProof

ED25519, COSIGNATURE = 1, 4
LONGEST_NOTE = 64 * 1024
LONGEST_NAME = 300
_MOST_SIGNATURES = 100
_MARK = "— "
_KEY, _ID, _TIME, _SIGNATURE = 32, 4, 8, 64
_LATEST = (1 << 63) - 1
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
_VKEY = re.compile(r"(?P<name>[^+\s]+)\+(?P<id>[0-9a-f]{8})\+(?P<key>[A-Za-z0-9+/]+=*)")
_PRIVATE = "PRIVATE+KEY+"


class NoteSignature(NamedTuple):
    """A line below a note: the name and the id of a key, and its signature."""

    name: str
    id: bytes
    signature: bytes

    def __str__(self) -> str:
        """Return the line, with its end."""
        return f"{_MARK}{self.name} {b64encode(self.id + self.signature).decode()}\n"


class Signed(NamedTuple):
    """A key that signed a note; of cosignatures, when (seconds since the epoch)."""

    key: "VerifierKey"
    time: int | None


class VerifierKey(NamedTuple):
    """The public key of a log, or of a witness, which signs with a time (``kind`` is ``COSIGNATURE``)."""

    name: str
    kind: int
    public: bytes

    @classmethod
    def parse(cls, text: str) -> "VerifierKey":
        """Read a key as ``name+id+key``. Raises ``BadFormat``."""
        found = _VKEY.fullmatch(text)
        data = _decoded(found["key"]) if found else b""
        if found is None or len(data) != 1 + _KEY or data[0] not in (ED25519, COSIGNATURE):
            raise BadFormat("not the public key of a log or of a witness, as name+id+key, with Ed25519")
        key = cls(_checked_name(found["name"]), data[0], data[1:])
        if key.id.hex() != found["id"]:
            raise BadFormat("the id of a public key is not that of its name and bytes: a letter was changed")
        return key

    def __str__(self) -> str:
        """Return the key as text."""
        return f"{self.name}+{self.id.hex()}+{b64encode(bytes([self.kind]) + self.public).decode()}"

    @property
    def id(self) -> bytes:
        """Return the id that signatures name the key by."""
        return sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.public).digest()[:_ID]

    def for_origin(self, origin: str) -> "VerifierKey":
        """Return the key under the name of a log: its own, or one of those below the hub that the key is of.

        A hub signs all its logs, ``feed.example.org/log/…``, by one key, ``feed.example.org/log``. Raises ``BadProof``.
        """
        if origin != self.name and not origin.startswith(f"{self.name}/"):
            raise BadProof("the log is not of the hub that the key is of")
        return self._replace(name=origin)

    def check(self, text: str, signature: bytes) -> int | None:
        """Check a signature over a note's text, and return its time if it is a cosignature. Raises ``BadProof``."""
        message, moment = text.encode(), None
        if self.kind == COSIGNATURE:
            moment = int.from_bytes(signature[:_TIME])
            signature = signature[_TIME:]
            if moment > _LATEST:
                raise BadProof(f"the signature of {self.name} is of no time that can be")
            message = _cosigned(text, moment)
        if len(signature) != _SIGNATURE:
            raise BadProof(f"the signature of {self.name} has another length")
        try:
            _public_key(self.public).verify(signature, message)
        except (InvalidSignature, ValueError):
            raise BadProof(f"the signature of {self.name} is wrong") from None
        return moment


@lru_cache(maxsize=64)
def _public_key(public: bytes) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(public)


class NoteSigner(Protocol):
    """A key that signs notes, wherever it is."""

    @property
    def name(self) -> str:
        """Return the name of the key."""

    @property
    def verifier(self) -> VerifierKey:
        """Return the public key."""

    def for_origin(self, origin: str) -> "NoteSigner":
        """Return the key under the name of a log."""

    def sign(self, text: str) -> NoteSignature:
        """Return the signature of a note's text."""


class SignerKey(NamedTuple):
    """The secret key of a log or of a witness."""

    name: str
    kind: int
    secret: bytes

    @classmethod
    def make(cls, name: str, kind: int = ED25519) -> "SignerKey":
        """Make a new key. Raises ``BadFormat`` for a name that no key may have."""
        return cls(_checked_name(name), kind, Ed25519PrivateKey.generate().private_bytes_raw())

    @classmethod
    def parse(cls, text: str) -> "SignerKey":
        """Read a key as ``PRIVATE+KEY+name+id+key``, as Go writes it. Raises ``BadFormat`` without the key in it."""
        found = _VKEY.fullmatch(text.removeprefix(_PRIVATE))
        data = _decoded(found["key"]) if found else b""
        is_whole = len(data) == 1 + _KEY and data[0] in (ED25519, COSIGNATURE)
        if found is None or not text.startswith(_PRIVATE) or not is_whole:
            raise BadFormat("not a secret key, as PRIVATE+KEY+name+id+key, with Ed25519")
        key = cls(_checked_name(found["name"]), data[0], data[1:])
        if key.verifier.id.hex() != found["id"]:
            raise BadFormat("the id of a secret key is not that of its name and bytes: a letter was changed")
        return key

    def __repr__(self) -> str:
        """Return the name alone: a secret is in no error text."""
        return f"SignerKey({self.name!r})"

    def __str__(self) -> str:
        """Return the name alone; ``text`` has the secret."""
        return self.name

    @property
    def text(self) -> str:
        """Return the key as text, with the secret."""
        data = b64encode(bytes([self.kind]) + self.secret).decode()
        return f"{_PRIVATE}{self.name}+{self.verifier.id.hex()}+{data}"

    @property
    def verifier(self) -> VerifierKey:
        """Return the public key."""
        return VerifierKey(self.name, self.kind, self._key.public_key().public_bytes_raw())

    @property
    def _key(self) -> Ed25519PrivateKey:
        return _private_key(self.secret)

    def for_origin(self, origin: str) -> "SignerKey":
        """Return the key under the name of a log."""
        return self._replace(name=origin)

    def sign(self, text: str, at: int = 0) -> NoteSignature:
        """Return the signature of a note's text; a cosignature says that it was made ``at`` so many seconds."""
        if self.kind == COSIGNATURE:
            signature = at.to_bytes(_TIME) + self._key.sign(_cosigned(text, at))
        else:
            signature = self._key.sign(text.encode())
        return NoteSignature(self.name, self.verifier.id, signature)


@lru_cache(maxsize=32)
def _private_key(secret: bytes) -> Ed25519PrivateKey:
    """Return the key of a secret; a hub signs thousands of reports with one."""
    return Ed25519PrivateKey.from_private_bytes(secret)


class SignedNote(NamedTuple):
    """A text, and the signatures below it."""

    text: str
    signatures: tuple[NoteSignature, ...]

    @classmethod
    def parse(cls, data: bytes) -> "SignedNote":
        """Read a note; nothing of it is checked. Raises ``BadFormat``."""
        whole = _text(data)
        text, gap, lines = whole.rpartition("\n\n")
        if not gap or not lines:
            raise BadFormat("not a signed note: it has no signatures")
        return cls(text + "\n", read_signatures(lines))

    def __bytes__(self) -> bytes:
        """Return the note as it is served."""
        return f"{self.text}\n{''.join(map(str, self.signatures))}".encode()

    def check(self, keys: Iterable[VerifierKey]) -> list[Signed]:
        """Return which of the keys signed the note; signatures of others are ignored.

        Raises ``BadProof`` where none of them did, and where a signature of one of them is wrong.
        """
        signed = self.signed_by(keys)
        if not signed:
            raise BadProof("none of the keys that you trust signed the note")
        return signed

    def signed_by(self, keys: Iterable[VerifierKey]) -> list[Signed]:
        """Return which of the keys signed the note, maybe none. Raises ``BadProof`` where a signature is wrong."""
        known = {(key.name, key.id): key for key in keys}
        signed: dict[VerifierKey, Signed] = {}
        for line in self.signatures:
            key = known.get((line.name, line.id))
            if key is not None:
                moment = key.check(self.text, line.signature)
                signed.setdefault(key, Signed(key, moment))
        return list(signed.values())


def read_signatures(lines: str) -> tuple[NoteSignature, ...]:
    """Read signature lines. Raises ``BadFormat``."""
    if not lines.endswith("\n"):
        raise BadFormat("a line of a signature has no end")
    split = lines[:-1].split("\n")
    if len(split) > _MOST_SIGNATURES:
        raise BadFormat("a note has too many signatures")
    return tuple(_read_signature(line) for line in split)


def read_lines(data: bytes) -> tuple[NoteSignature, ...]:
    """Read the bytes of signature lines, as a witness sends them. Raises ``BadFormat``."""
    return read_signatures(_text(data))


def latest(lines: Iterable[NoteSignature]) -> tuple[NoteSignature, ...]:
    """Return of each key's cosignatures the latest alone: a note has one line of each."""
    found: dict[tuple[str, bytes], NoteSignature] = {}
    for line in lines:
        known = found.get((line.name, line.id))
        if known is None or line.signature[:_TIME] > known.signature[:_TIME]:
            found[line.name, line.id] = line
    return tuple(found.values())


def sign(text: str, keys: Sequence[NoteSigner]) -> SignedNote:
    """Return a text as a note that these keys signed."""
    return SignedNote(text, tuple(key.sign(text) for key in keys))


def _read_signature(line: str) -> NoteSignature:
    name, gap, encoded = line.removeprefix(_MARK).partition(" ")
    data = _decoded(encoded)
    if not line.startswith(_MARK) or not gap or len(data) <= _ID:
        raise BadFormat("not a line of a signature")
    return NoteSignature(_checked_name(name), data[:_ID], data[_ID:])


def _text(data: bytes) -> str:
    if len(data) > LONGEST_NOTE:
        raise BadFormat("a note is too long")
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise BadFormat("a note is not UTF-8") from None
    if _CONTROL.search(text):
        raise BadFormat("a note has control characters")
    return text


def _checked_name(name: str) -> str:
    if not name or len(name) > LONGEST_NAME or "+" in name or any(map(str.isspace, name)):
        raise BadFormat("not the name of a key: it has neither spaces nor plus signs")
    return name


def _cosigned(text: str, moment: int) -> bytes:
    return f"cosignature/v1\ntime {moment}\n{text}".encode()


def _decoded(text: str) -> bytes:
    """Return what a text stands for in base64, nothing for a text that no bytes are written as."""
    try:
        data = b64decode(text, validate=True)
    except ValueError:
        return b""
    return data if b64encode(data).decode() == text else b""
