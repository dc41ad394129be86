"""A folder of files for others to fetch, with a signed manifest that says what is in it."""

import base64
import hashlib
import os
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, BinaryIO, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from feeds.connector import Misconfigured, TryLater
from feeds.signing import FileSigner
from schemas.text import escaped
from schemas.timestamp import Timestamp

MANIFEST = "manifest.json"
PAYLOAD_TYPE = "application/vnd.scamfeed.manifest+json"
_CHUNK = 1 << 20

Sha256 = Annotated[str, "hexadecimal"]


class Entry(BaseModel):
    """A file: ``full`` is all that is active, ``added`` and ``removed`` are what has changed since the files before."""

    model_config = ConfigDict(frozen=True)

    name: str
    role: Literal["full", "added", "removed"]
    created: Timestamp
    indicators: int
    bytes: int
    sha256: Sha256


class Manifest(BaseModel):
    """What is in the folder, the changes in the order in which they came."""

    collection: str
    format: str
    created: Timestamp
    files: list[Entry] = []

    @property
    def full(self) -> Entry | None:
        """Give the full file."""
        return next((entry for entry in self.files if entry.role == "full"), None)


class Shelf:
    """Puts files into a folder: each is whole under its name or not there at all."""

    def __init__(self, folder: Path, signer: FileSigner) -> None:
        """Use ``folder``, which is there already."""
        self._folder = folder
        self._signer = signer

    def manifest(self) -> Manifest | None:
        """Give what the manifest says, None where there is none or somebody else's."""
        try:
            envelope = DsseEnvelope.model_validate_json(self._path(MANIFEST).read_bytes())
            return Manifest.model_validate_json(base64.b64decode(envelope.payload))
        except FileNotFoundError:
            return None
        except (ValidationError, ValueError):
            return None
        except OSError as error:
            raise self._consequence(error) from error

    def put(
        self, name: str, role: Literal["full", "added", "removed"], at: datetime, write: Callable[[BinaryIO], int]
    ) -> Entry:
        """Write a file by ``write``, which tells how many indicators it has written."""
        count, size, digest = self._replace(name, write)
        return Entry(name=name, role=role, created=at, indicators=count, bytes=size, sha256=digest)

    def publish(self, manifest: Manifest, keep: timedelta) -> None:
        """Sign and write the manifest, then remove the changes that are older than ``keep``."""
        limit = manifest.created - keep
        old = [entry for entry in manifest.files if entry.role != "full" and entry.created < limit]
        kept = manifest.model_copy(update={"files": [entry for entry in manifest.files if entry not in old]})
        payload = kept.model_dump_json().encode()
        envelope = DsseEnvelope.of(PAYLOAD_TYPE, payload, self._signer).model_dump_json().encode() + b"\n"
        self._replace(MANIFEST, lambda out: out.write(envelope))
        for entry in old:
            with suppress(OSError):
                self._path(entry.name).unlink(missing_ok=True)

    def _replace(self, name: str, write: Callable[[BinaryIO], int]) -> tuple[int, int, str]:
        target = self._path(name)
        unfinished = target.with_name(f".{target.name}.{os.getpid()}.part")
        try:
            if not self._folder.is_dir():
                raise Misconfigured(f"path: there is no folder {escaped(str(self._folder))}; make it first")
            target.parent.mkdir(exist_ok=True)
            with unfinished.open("w+b") as out:
                count = write(out)
                out.flush()
                os.fsync(out.fileno())
                out.seek(0)
                digest = hashlib.file_digest(out, "sha256").hexdigest()
                size = out.tell()
            unfinished.replace(target)
            return count, size, digest
        except OSError as error:
            raise self._consequence(error) from error
        finally:
            with suppress(OSError):
                unfinished.unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        return self._folder / name

    def _consequence(self, error: OSError) -> Exception:
        shown = escaped(str(self._folder))
        if isinstance(error, PermissionError):
            return Misconfigured(f"path: {shown}: this user may not write there")
        return TryLater(f"path: {shown}: cannot be written just now: {error.strerror}")


class Signature(BaseModel):
    """A signature in Base64; ``keyid`` is the SHA-256 of the public key in PEM."""

    keyid: str
    sig: str


class DsseEnvelope(BaseModel):
    """What is signed together with its signature, as DSSE (github.com/secure-systems-lab/dsse) has it."""

    payloadType: str  # the format's own name
    payload: str
    signatures: list[Signature]

    @classmethod
    def of(cls, payload_type: str, payload: bytes, signer: FileSigner) -> "DsseEnvelope":
        """Sign ``payload``."""
        signed = b"DSSEv1 %d %b %d %b" % (len(payload_type), payload_type.encode(), len(payload), payload)
        signature = Signature(
            keyid=hashlib.sha256(signer.public_key.encode()).hexdigest(),
            sig=base64.b64encode(signer.sign(signed)).decode(),
        )
        encoded = base64.b64encode(payload).decode()
        return cls(payloadType=payload_type, payload=encoded, signatures=[signature])
