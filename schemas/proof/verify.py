"""Verify a bag that proves one published object, by Python's standard library and openssl alone.

    python3 -I verify.py BAG --key KEY [--witness KEY] [--authority ROOT.pem]

BAG is the folder of the bag, or its ZIP file. KEY is the public key of the hub's logs, and of a witness, as the hub and
the witness give them to you: take them, and this program, from elsewhere than the bag. ROOT.pem has the certificates
of the authority whose time-stamp you trust. Exit 0 only if everything in the bag is as it was made and proven.
"""

import argparse
import base64
import binascii
import hashlib
import json
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path, PurePosixPath

_MOST_BYTES = 256 << 20
_PROOF = "c2sp.org/tlog-proof@v1"
_ED25519, _COSIGNATURE = 1, 4
# How openssl wants 32 bytes of a public key: as DER with the name of the algorithm.
_SPKI = bytes.fromhex("302a300506032b6570032100")


class Wrong(Exception):
    """Something of the bag is not as it has to be."""


def main(arguments: "list[str]") -> int:
    """Verify the bag that the arguments name, and print what is proven; return 0 where all is."""
    parser = argparse.ArgumentParser(description="Verify a bag that proves one published object.")
    parser.add_argument("bag", type=Path, help="folder of the bag, or its ZIP file")
    parser.add_argument("--key", action="append", required=True, help="public key of the hub's logs")
    parser.add_argument("--witness", action="append", default=[], help="public key of a witness that has to vouch")
    parser.add_argument("--authority", type=Path, help="root certificates of the authority of the time-stamp")
    given = parser.parse_args(arguments)
    try:
        for line in verify(given.bag, given.key, given.witness, given.authority):
            print(line)  # noqa: T201 - it is what the program is for
    except (Wrong, OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        print(f"NOT PROVEN: {error}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


def verify(bag: Path, keys: "list[str]", witnesses: "list[str]", authority: "Path | None") -> "list[str]":
    """Return what the bag proves, a line each. Raises ``Wrong``."""
    files = read_bag(bag)
    check_manifests(files)
    body, opening = files["data/object.json"], json.loads(files["data/opening.json"])
    if opening["kind"] not in (1, 2):
        raise Wrong("the entry is not that of an object")
    content = files["data/object.jcs"] if opening["kind"] == 1 else body
    if opening["kind"] == 1 and json.loads(body) != json.loads(content):
        raise Wrong("object.json and object.jcs are not the same object")
    index, hashes, note = read_proof(files["data/proof.tlog-proof"])
    if note != files["data/checkpoint"] or index != opening["index"]:
        raise Wrong("the proof is of another checkpoint, or of another entry")
    text, signatures = read_note(note)
    origin, size, root = text.split("\n")[:3]
    leaf = leaf_of(opening, content)
    if root_of(leaf, index, int(size), hashes) != base64.b64decode(root):
        raise Wrong("the object does not lead to the root that the hub signed")
    signer = signed_by(text, signatures, keys, origin)
    if not signer:
        raise Wrong("no key that you trust signed the checkpoint")
    named = json.loads(body)
    lines = [
        f"PROVEN: {named['id']}, version {named.get('modified', '-')}",
        f"published {opening['date_added']} as entry {index} of {size} of {origin}",
        f"signed by {signer[0]}",
    ]
    for witness in witnesses:
        found = signed_by(text, signatures, [witness], None)
        if not found:
            raise Wrong(f"the witness {witness.split('+')[0]} did not cosign the checkpoint")
        lines.append(f"cosigned by {found[0]}")
    return lines + stamped(files, note, authority)


def read_bag(bag: Path) -> "dict[str, bytes]":
    """Return the files of a bag by their names within it. Raises ``Wrong``."""
    found: dict[str, bytes] = {}
    if bag.is_dir():
        for file in sorted(bag.rglob("*")):
            if file.is_file():
                found[file.relative_to(bag).as_posix()] = _bounded(file.read_bytes())
        return found
    with zipfile.ZipFile(bag) as packed:
        for entry in packed.infolist():
            name = PurePosixPath(entry.filename)
            if entry.file_size > _MOST_BYTES or len(name.parts) < 2:
                raise Wrong(f"{name} is too large, or is in no folder")
            found[PurePosixPath(*name.parts[1:]).as_posix()] = packed.read(entry)
    return found


def check_manifests(files: "dict[str, bytes]") -> None:
    """Check that each file is in a manifest with its SHA-256, and the other way round. Raises ``Wrong``."""
    known = {"tagmanifest-sha256.txt"}
    for manifest in ("manifest-sha256.txt", "tagmanifest-sha256.txt"):
        lines = files.get(manifest, b"").decode("utf-8", "replace").split("\n")
        if lines.pop():
            raise Wrong(f"{manifest} has another end")
        for line in lines:
            digest, _, name = line.partition("  ")
            if name not in files or hashlib.sha256(files[name]).hexdigest() != digest:
                raise Wrong(f"{name} is not as {manifest} says")
            known.add(name)
    if others := files.keys() - known:
        raise Wrong(f"{sorted(others)[0]} is in no manifest")
    for name in ("object.json", "opening.json", "proof.tlog-proof", "checkpoint", "custody.json"):
        if f"data/{name}" not in known:
            raise Wrong(f"data/{name} is missing")


def read_proof(data: bytes) -> "tuple[int, list[bytes], bytes]":
    """Return index, path and checkpoint of a proof (C2SP tlog-proof). Raises ``Wrong``."""
    head, _, note = data.partition(b"\n\n")
    lines = head.decode("ascii", "replace").split("\n")
    if lines.pop(0) != _PROOF:
        raise Wrong("proof.tlog-proof is no proof")
    if lines and lines[0].startswith("extra "):
        lines.pop(0)
    if not lines or not lines[0].startswith("index ") or not lines[0][6:].isdigit():
        raise Wrong("proof.tlog-proof has no index")
    return int(lines[0][6:]), [_base64(line) for line in lines[1:]], note


def read_note(note: bytes) -> "tuple[str, list[tuple[str, bytes]]]":
    """Return the text of a signed note, and its signatures by name: four bytes of the key's id, then the signature."""
    whole = note.decode("utf-8", "replace")
    text, gap, lines = whole.rpartition("\n\n")
    if not gap or text.count("\n") < 2:
        raise Wrong("the checkpoint is no signed note")
    signatures = []
    for line in lines.splitlines():
        mark, _, rest = line.partition(" ")
        name, _, encoded = rest.partition(" ")
        if mark == "\u2014":
            signatures.append((name, _base64(encoded)))
    return text + "\n", signatures


def leaf_of(opening: "dict[str, object]", content: bytes) -> bytes:
    """Return the hash of the entry of an object: kind, moment, and the salted digest of its content."""
    salt = bytes.fromhex(str(opening["salt"]))
    moment = int(str(opening["micros"]))
    entry = bytes([int(str(opening["kind"]))]) + moment.to_bytes(8, "big") + hashlib.sha256(salt + content).digest()
    return hashlib.sha256(b"\x00" + entry).digest()


def root_of(leaf: bytes, index: int, size: int, path: "list[bytes]") -> bytes:
    """Return the root that a path leads to from a leaf (RFC 9162, 2.1.3.2). Raises ``Wrong``."""
    if not 0 <= index < size:
        raise Wrong("the tree has no such entry")
    at, last, computed = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            raise Wrong("the path of the proof is too long")
        if at & 1 or at == last:
            computed = hashlib.sha256(b"\x01" + sibling + computed).digest()
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            computed = hashlib.sha256(b"\x01" + computed + sibling).digest()
        at, last = at >> 1, last >> 1
    if last:
        raise Wrong("the path of the proof is too short")
    return computed


def signed_by(text: str, signatures: "list[tuple[str, bytes]]", keys: "list[str]", origin: "str | None") -> "list[str]":
    """Return which of the keys signed a text; one of a hub signs its logs in their names. Raises ``Wrong``."""
    found = []
    for key in keys:
        name, id_, encoded = key.split("+", 2) if key.count("+") >= 2 else (key, "", "")
        data = _base64(encoded)
        if len(data) != 33 or hashlib.sha256(name.encode() + b"\n" + data).hexdigest()[:8] != id_:
            raise Wrong(f"{name}: not a public key, as NAME+ID+KEY")
        if origin is not None and origin != name and not origin.startswith(f"{name}/"):
            continue
        signer = origin or name
        wanted = hashlib.sha256(signer.encode() + b"\n" + data).digest()[:4]
        for by, signature in signatures:
            if by == signer and signature[:4] == wanted:
                _check_signature(data, text, signature[4:], signer)
                found.append(signer)
                break
    return found


def stamped(files: "dict[str, bytes]", note: bytes, authority: "Path | None") -> "list[str]":
    """Return what the time-stamp proves; nothing where there is none, or no authority is trusted. Raises ``Wrong``."""
    token = files.get("data/timestamp.tsr")
    if authority is None:
        return ["it has a time-stamp, which was not checked: name its --authority"] if token else []
    if token is None:
        raise Wrong("there is no time-stamp in the bag")
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "token").write_bytes(token)
        (Path(folder) / "data").write_bytes(note)
        place = ["-in", f"{folder}/token", "-data", f"{folder}/data", "-CAfile", str(authority)]
        _openssl("ts", "-verify", *place, wrong="the time-stamp is not of this authority, or of another checkpoint")
    return ["time-stamped by the authority"]


def _check_signature(data: bytes, text: str, signature: bytes, name: str) -> None:
    message = text.encode()
    if data[0] == _COSIGNATURE:
        moment, signature = int.from_bytes(signature[:8], "big"), signature[8:]
        message = f"cosignature/v1\ntime {moment}\n{text}".encode()
    elif data[0] != _ED25519:
        raise Wrong(f"{name}: a key of a kind that this program does not know")
    with tempfile.TemporaryDirectory() as folder:
        for file, content in (("key", _SPKI + data[1:]), ("message", message), ("signature", signature)):
            (Path(folder) / file).write_bytes(content)
        _openssl(
            "pkeyutl",
            "-verify",
            "-pubin",
            "-keyform",
            "DER",
            "-inkey",
            f"{folder}/key",
            "-rawin",
            "-in",
            f"{folder}/message",
            "-sigfile",
            f"{folder}/signature",
            wrong=f"the signature of {name} is wrong",
        )


def _openssl(*arguments: str, wrong: str) -> None:
    try:
        done = subprocess.run(["openssl", *arguments], capture_output=True, check=False)  # noqa: S603, S607
    except FileNotFoundError:
        raise Wrong("openssl is not installed here") from None
    if done.returncode != 0:
        raise Wrong(wrong)


def _base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Wrong("something is no base64") from None


def _bounded(data: bytes) -> bytes:
    if len(data) > _MOST_BYTES:
        raise Wrong("a file of the bag is too large")
    return data


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
