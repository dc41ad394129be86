"""A BagIt bag (RFC 8493) as one ZIP file, written in one pass, and the bag that proves one published object."""

import hashlib
import re
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from importlib.resources import files
from typing import IO, Any, NamedTuple

import msgspec
import orjson

from schemas.tlog import BadFormat
from schemas.tlog.entries import EntryKind, Opening, canonical_or_raw, read_moment
from schemas.tlog.notes import SignedNote
from schemas.tlog.proofs import Checkpoint, LogProof
from schemas.tlog.trees import check_inclusion, leaf_hash

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


_README = """This bag proves that a hub published one object, when, and that it was not changed since.

data/object.json        the object, as the hub serves it
data/object.jcs         the same in its canonical form (RFC 8785), of which the log has a salted digest
data/opening.json       its place in the log, when it was added, and the salt
data/proof.tlog-proof   the path from the object to the root of the log (C2SP tlog-proof)
data/checkpoint         the root, signed by the hub, and by witnesses where there are some (C2SP tlog-checkpoint)
data/timestamp.tsr      a time-stamp of the checkpoint by an authority (RFC 3161), where there is one
data/custody.json       who made this bag, when, and from where; it is not signed, and proves nothing

Verify it with Python 3 and openssl, by keys that you have from the hub and not from this bag:

    python3 -I verify.py THIS-FOLDER-OR-ZIP --key KEY [--witness KEY] [--authority ROOT.pem]
"""


class ProvenObject(NamedTuple):
    """An object by its bytes as they are served, and its proof."""

    body: bytes
    proof: LogProof

    @property
    def opening(self) -> Opening:
        """Return what opens its entry. Raises ``BadFormat``."""
        try:
            extra: dict[str, Any] = msgspec.json.decode(self.proof.extra)
            return msgspec.convert({**extra, "index": self.proof.index}, Opening)
        except (msgspec.MsgspecError, TypeError, UnicodeDecodeError) as error:
            raise BadFormat("the proof does not say what opens its entry") from error


def write_object_bag(
    out: IO[bytes],
    proven: ProvenObject,
    *,
    name: str,
    custody: Sequence[Mapping[str, Any]],
    timestamp: bytes | None = None,
) -> None:
    """Write the bag of an object as a ZIP file; ``name`` is its folder.

    Raises ``BadFormat``, and ``BadProof`` where the proof is not that of the object.
    """
    opening = proven.opening
    checkpoint = Checkpoint.parse(SignedNote.parse(proven.proof.checkpoint).text)
    leaf = leaf_hash(opening.entry(proven.body))
    check_inclusion(leaf, opening.index, checkpoint.size, proven.proof.hashes, checkpoint.root)
    content, _ = canonical_or_raw(proven.body)
    bag = BagWriter(out, name)
    bag.add("object.json", [proven.body])
    if opening.kind == EntryKind.PUBLISHED:
        bag.add("object.jcs", [content])
    micros = read_moment(opening.date_added)
    opened = {"index": opening.index, "kind": opening.kind, "date_added": opening.date_added, "salt": opening.salt}
    opened |= {"micros": micros}
    bag.add("opening.json", [orjson.dumps(opened, option=orjson.OPT_INDENT_2)])
    bag.add("proof.tlog-proof", [bytes(proven.proof)])
    bag.add("checkpoint", [proven.proof.checkpoint])
    if timestamp is not None:
        bag.add("timestamp.tsr", [timestamp])
    bag.add("custody.json", [orjson.dumps(list(custody), option=orjson.OPT_INDENT_2)])
    bag.add_tag("README.txt", _README.encode())
    bag.add_tag("verify.py", (files(__package__) / "verify.py").read_bytes())
    host = checkpoint.origin.split("/")[0]
    bag.finish({"External-Description": "Proof of one published object", "Source-Organization": host})
