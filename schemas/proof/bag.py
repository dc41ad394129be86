"""A BagIt bag (RFC 8493) as one ZIP file, written in one pass: payload with its SHA-256, tag files with theirs."""

import hashlib
import re
import zipfile
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import IO

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*")
# The times of a bag's entries say nothing: who made it, when, is in bag-info.txt.
_EPOCH = (1980, 1, 1, 0, 0, 0)
_MODE = 0o600 << 16


class BagWriter:
    """Writes a bag into a ZIP file; ``finish`` writes the manifests, without which it is no bag."""

    def __init__(self, out: IO[bytes], name: str) -> None:
        """Write into ``out`` a bag whose folder is called ``name``."""
        self._zip = zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED)
        self._name = _checked(name)
        self._payload: dict[str, str] = {}
        self._tags: dict[str, str] = {}
        self._bytes = 0

    def add(self, name: str, chunks: Iterable[bytes]) -> str:
        """Add a file of the payload, and return its SHA-256 in hexadecimal digits."""
        path = f"data/{_checked(name)}"
        if path in self._payload:
            raise ValueError(f"{path} is there already")
        digest, size = self._write(path, chunks)
        self._payload[path] = digest
        self._bytes += size
        return digest

    def add_tag(self, name: str, content: bytes) -> None:
        """Add a file about the payload."""
        path = _checked(name)
        if path in self._tags or path.startswith("data/"):
            raise ValueError(f"{path} is no place of a new tag file")
        self._tags[path] = self._write(path, [content])[0]

    def finish(self, info: Mapping[str, str]) -> None:
        """Write the manifests, and ``info`` as bag-info.txt."""
        self.add_tag("bagit.txt", b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n")
        known = {
            "Bagging-Date": datetime.now(UTC).date().isoformat(),
            "Payload-Oxum": f"{self._bytes}.{len(self._payload)}",
        }
        lines = [f"{name}: {' '.join(text.split())}\n" for name, text in {**known, **info}.items()]
        self.add_tag("bag-info.txt", "".join(lines).encode())
        self.add_tag("manifest-sha256.txt", _manifest(self._payload))
        self._write("tagmanifest-sha256.txt", [_manifest(self._tags)])
        self._zip.close()

    def _write(self, path: str, chunks: Iterable[bytes]) -> tuple[str, int]:
        digest, size = hashlib.sha256(), 0
        entry = zipfile.ZipInfo(f"{self._name}/{path}", _EPOCH)
        entry.compress_type = zipfile.ZIP_DEFLATED
        entry.external_attr = _MODE
        with self._zip.open(entry, "w", force_zip64=True) as out:
            for chunk in chunks:
                out.write(chunk)
                digest.update(chunk)
                size += len(chunk)
        return digest.hexdigest(), size


def _manifest(digests: Mapping[str, str]) -> bytes:
    return "".join(f"{digest}  {path}\n" for path, digest in sorted(digests.items())).encode()


def _checked(name: str) -> str:
    if _NAME.fullmatch(name) is None:
        raise ValueError("a name in a bag has letters, digits, dots, hyphens and underscores")
    return name
