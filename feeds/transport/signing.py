"""Signatures of files and requests, and the signed manifest of a folder."""

import base64
import binascii
import hashlib
import logging
import shutil
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Annotated, BinaryIO, Literal

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from pydantic import BaseModel, ConfigDict, ValidationError
from standardwebhooks import Webhook

from feeds.errors import Misconfigured
from feeds.transport.local import TargetFolder
from schemas.timestamp import Timestamp

_PREFIX = "whsec_"
# Standard Webhooks, "Symmetric": between 24 and 64 bytes.
_SHORTEST, _LONGEST = 24, 64


class WebhookSigner:
    """Signs messages with one secret, or with two during a rotation."""

    def __init__(self, secrets: Sequence[str]) -> None:
        """Use secrets of the form ``whsec_…``. Raises ``Misconfigured``."""
        self._webhooks = [Webhook(_key(secret)) for secret in secrets]

    def headers(self, message_id: str, moment: datetime, body: str) -> dict[str, str]:
        """Return the headers that prove sender and time of ``body``."""
        signatures = [webhook.sign(message_id, moment, body) for webhook in self._webhooks]
        return {
            "webhook-id": message_id,
            "webhook-timestamp": str(int(moment.timestamp())),
            "webhook-signature": " ".join(signatures),
        }


class FileSigner:
    """Signs files with an Ed25519 key."""

    def __init__(self, pem: str) -> None:
        """Use a private key in PEM. Raises ``Misconfigured``."""
        try:
            key = load_pem_private_key(pem.encode(), password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            raise Misconfigured("signing_key: not a private key in PEM without a password") from None
        if not isinstance(key, Ed25519PrivateKey):
            raise Misconfigured("signing_key: not an Ed25519 key; create one: openssl genpkey -algorithm ed25519")
        self._key = key

    @property
    def public_key(self) -> str:
        """Return the public key in PEM, with which readers verify."""
        return self._key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    def has_signed(self, data: bytes, signature: bytes) -> bool:
        """Return whether ``signature`` is the signature of ``data`` by this key."""
        try:
            self._key.public_key().verify(signature, data)
        except InvalidSignature:
            return False
        return True

    def sign(self, data: bytes) -> bytes:
        """Return the signature of ``data``: 64 bytes, for ``openssl pkeyutl -verify -rawin``."""
        return self._key.sign(data)


def _key(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not secret.startswith(_PREFIX) or not _SHORTEST <= len(key) <= _LONGEST:
        raise Misconfigured(
            "secret: not a signing secret of Standard Webhooks: whsec_ and the Base64 of 24 to 64 random bytes"
        )
    return key


logger = logging.getLogger(__name__)

MANIFEST = "manifest.json"
PAYLOAD_TYPE = "application/vnd.scamfeed.manifest+json"

_PROBE = ".scamfeed-check"
_MOST_SIGNATURES = 8

Sha256 = Annotated[str, "hexadecimal"]
Role = Literal["full", "added", "removed"]


class ManifestEntry(BaseModel):
    """A file: ``full`` has everything active, ``added`` and ``removed`` have changes since the files before.

    ``indicators`` is None for one of several files that belong together.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    role: Role
    created: Timestamp
    indicators: int | None
    bytes: int
    sha256: Sha256


class FileManifest(BaseModel):
    """The files of a folder; changes are in order."""

    collection: str
    format: str
    created: Timestamp
    files: list[ManifestEntry] = []

    @property
    def full(self) -> list[ManifestEntry]:
        """Return the full file, or the files of a full folder."""
        return [entry for entry in self.files if entry.role == "full"]


class PublishedFolder:
    """Writes files to a folder, and signs a manifest of them."""

    def __init__(self, folder: TargetFolder, signer: FileSigner) -> None:
        self._folder = folder
        self._signer = signer

    def manifest(self) -> FileManifest | None:
        """Return the manifest; None if there is none with our signature.

        Another writer to the folder must not decide what is signed and removed next.
        """
        found = self._folder.read(MANIFEST)
        if found is None:
            return None
        try:
            envelope = DsseEnvelope.model_validate_json(found)
            if envelope.is_signed_by(self._signer):
                return FileManifest.model_validate_json(base64.b64decode(envelope.payload))
        except (ValidationError, ValueError):
            pass
        logger.warning("manifest started again reason=the existing one is not signed with our key; its files stay")
        return None

    def check(self) -> None:
        """Check that files can be written to the folder. Raises ``TryLater`` and ``Misconfigured``."""
        self._folder.put(_PROBE, lambda out: out.write(b"may be removed\n"))
        self._folder.remove(_PROBE)

    def put(self, name: str, role: Role, at: datetime, write: Callable[[BinaryIO], int]) -> ManifestEntry:
        """Write a file with ``write``, which returns the number of indicators in it."""
        count, size, digest = self._folder.put(name, write)
        return ManifestEntry(name=name, role=role, created=at, indicators=count, bytes=size, sha256=digest)

    def put_all(self, prefix: str, files: Sequence[Path], at: datetime) -> list[ManifestEntry]:
        """Copy the files of a full folder, in order."""
        return [
            self.put(f"{prefix}/{file.name}", "full", at, partial(_copy, file)).model_copy(update={"indicators": None})
            for file in files
        ]

    def publish(self, manifest: FileManifest, keep: timedelta, gone: Iterable[ManifestEntry] = ()) -> None:
        """Sign and write the manifest, then remove files in ``gone`` and changes older than ``keep``."""
        limit = manifest.created - keep
        old = [entry for entry in manifest.files if entry.role != "full" and entry.created < limit]
        kept = manifest.model_copy(update={"files": [entry for entry in manifest.files if entry not in old]})
        payload = kept.model_dump_json().encode()
        envelope = DsseEnvelope.of(PAYLOAD_TYPE, payload, self._signer).model_dump_json().encode() + b"\n"
        self._folder.put(MANIFEST, lambda out: out.write(envelope))
        for entry in (*old, *gone):
            self._folder.remove(entry.name)

    def close(self) -> None:
        """Close the folder."""
        self._folder.close()


def _copy(file: Path, out: BinaryIO) -> int:
    with file.open("rb") as source:
        shutil.copyfileobj(source, out)
    return 0


class Signature(BaseModel):
    """A signature in Base64; ``keyid`` is the SHA-256 of the public key in PEM."""

    keyid: str
    sig: str


class DsseEnvelope(BaseModel):
    """A payload with its signatures, in DSSE's form (github.com/secure-systems-lab/dsse)."""

    payloadType: str  # the format's own name
    payload: str
    signatures: list[Signature]

    @classmethod
    def of(cls, payload_type: str, payload: bytes, signer: FileSigner) -> "DsseEnvelope":
        """Sign ``payload``."""
        signature = Signature(
            keyid=hashlib.sha256(signer.public_key.encode()).hexdigest(),
            sig=base64.b64encode(signer.sign(_signed(payload_type, payload))).decode(),
        )
        encoded = base64.b64encode(payload).decode()
        return cls(payloadType=payload_type, payload=encoded, signatures=[signature])

    def is_signed_by(self, signer: FileSigner) -> bool:
        """Return whether one of the signatures was made with that key. Raises ``ValueError`` for bad Base64."""
        signed = _signed(self.payloadType, base64.b64decode(self.payload, validate=True))
        signatures = [
            base64.b64decode(signature.sig, validate=True) for signature in self.signatures[:_MOST_SIGNATURES]
        ]
        return self.payloadType == PAYLOAD_TYPE and any(signer.has_signed(signed, sig) for sig in signatures)


def _signed(payload_type: str, payload: bytes) -> bytes:
    """Return the signed bytes: DSSE's pre-authentication encoding."""
    return b"DSSEv1 %d %b %d %b" % (len(payload_type), payload_type.encode(), len(payload), payload)
