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
import re
import stat
import subprocess
import sys
import tempfile
import zipfile
import zlib
from datetime import datetime, timedelta, timezone
from pathlib import Path

_MOST_BYTES = 256 << 20
_PROOF = "c2sp.org/tlog-proof@v1"
_NUMBER = re.compile(r"0|[1-9][0-9]{0,18}")
# The files that a bag has; the program takes no other, so that nothing beside them can be taken for proven.
_PAYLOAD = ("object.json", "opening.json", "proof.tlog-proof", "checkpoint", "custody.json")
_OPTIONAL = ("object.jcs", "timestamp.tsr")
_TAGS = ("README.txt", "verify.py", "bagit.txt", "bag-info.txt", "manifest-sha256.txt", "tagmanifest-sha256.txt")
_REQUIRED = {f"data/{name}" for name in _PAYLOAD} | set(_TAGS)
_ALLOWED = _REQUIRED | {f"data/{name}" for name in _OPTIONAL}
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)  # noqa: UP017 - it runs on Python 3.9 too
_ED25519, _COSIGNATURE = 1, 4
# How openssl wants 32 bytes of a public key: as DER with the name of the algorithm.
_SPKI = bytes.fromhex("302a300506032b6570032100")


class Wrong(Exception):
    """Something of the bag is not as it has to be."""


# The ways in which Python's own readers fail at a file that is wrong: too deep, too large, encrypted, cut off.
_FAILURES = (OSError, ValueError, OverflowError, RuntimeError, MemoryError, EOFError, zlib.error, zipfile.BadZipFile)


def main(arguments: "list[str]") -> int:
    """Verify the bag that the arguments name, and print what is proven; return 0 where all is."""
    parser = argparse.ArgumentParser(description="Verify a bag that proves one published object.")
    parser.add_argument("bag", type=Path, help="folder of the bag, or its ZIP file")
    parser.add_argument("--key", action="append", required=True, help="public key of the hub's logs")
    parser.add_argument("--witness", action="append", default=[], help="public key of a witness that has to vouch")
    parser.add_argument("--authority", type=Path, help="root certificates of the authority of the time-stamp")
    given = parser.parse_args(arguments)
    try:
        lines = verify(given.bag, given.key, given.witness, given.authority)
    except (Wrong, *_FAILURES) as error:
        print(f"NOT PROVEN: {ascii(str(error))[1:-1]}", file=sys.stderr)  # noqa: T201
        return 1
    for line in lines:
        print(line)  # noqa: T201 - it is what the program is for
    return 0


def verify(bag: Path, keys: "list[str]", witnesses: "list[str]", authority: "Path | None") -> "list[str]":
    """Return what the bag proves, one statement per line, all derived from signed data. Raises ``Wrong``."""
    files = read_bag(bag)
    check_manifests(files)
    index, extra, hashes, note = read_proof(files["data/proof.tlog-proof"])
    opening = read_opening(files["data/opening.json"], index, extra)
    if note != files["data/checkpoint"]:
        raise Wrong("the proof is of another checkpoint")
    content, proven = read_objects(files, opening["kind"])
    text, signatures = read_note(note)
    origin, size, root = read_checkpoint(text)
    if root_of(leaf_of(opening, content), index, size, hashes) != root:
        raise Wrong("the object does not lead to the root that the hub signed")
    signer = signed_by(text, signatures, keys, origin)
    if not signer:
        raise Wrong("no key that you trust signed the checkpoint")
    lines = [
        f"PROVEN: {_shown(proven.get('id'))}, version {_shown(proven.get('modified', proven.get('created', '-')))}",
        f"published {opening['date_added']} by the clock of the hub, as entry {index} of {size} of {_shown(origin)}",
        f"signed by {signer[0]}",
    ]
    for witness in witnesses:
        found = signed_by(text, signatures, [witness], None)
        if not found:
            raise Wrong(f"the witness {witness.split('+')[0]} did not cosign the checkpoint")
        lines.append(f"cosigned by {found[0]}")
    lines.append(stamped(files, note, authority))
    lines.append("custody.json and README.txt are not signed: they prove nothing")
    return lines


def read_bag(bag: Path) -> "dict[str, bytes]":
    """Return the files of a bag by their names within it; it has those of a bag and no others. Raises ``Wrong``."""
    found = _read_folder(bag) if bag.is_dir() else _read_zip(bag)
    if missing := _REQUIRED - found.keys():
        raise Wrong(f"{sorted(missing)[0]} is missing")
    return found


def check_manifests(files: "dict[str, bytes]") -> None:
    """Check that the two manifests have each file once, with its SHA-256, and nothing else. Raises ``Wrong``."""
    payload = {name for name in files if name.startswith("data/")}
    tags = files.keys() - payload - {"tagmanifest-sha256.txt"}
    for manifest, names in (("manifest-sha256.txt", payload), ("tagmanifest-sha256.txt", tags)):
        lines = [f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n" for name in sorted(names)]
        if files[manifest] != "".join(lines).encode():
            raise Wrong(f"the files are not as {manifest} says")


def read_proof(data: bytes) -> "tuple[int, bytes, list[bytes], bytes]":
    """Return index, extra data, path and checkpoint of a proof (C2SP tlog-proof). Raises ``Wrong``."""
    head, _, note = data.partition(b"\n\n")
    lines = head.decode("ascii").split("\n")
    if len(lines) < 3 or lines[0] != _PROOF or lines[1][:6] != "extra " or lines[2][:6] != "index ":
        raise Wrong("proof.tlog-proof is no proof")
    hashes = [_base64(line) for line in lines[3:]]
    if any(len(hash_) != 32 for hash_ in hashes):
        raise Wrong("proof.tlog-proof has a line that is no hash")
    return _number(lines[2][6:]), _base64(lines[1][6:]), hashes, note


def read_opening(data: bytes, index: int, extra: bytes) -> "dict[str, object]":
    """Return what opens the entry: opening.json and the proof have the same, and nothing else. Raises ``Wrong``."""
    given = _json(data, "opening.json")
    if not isinstance(given, dict):
        raise Wrong("opening.json is no object")
    kind, micros, salt = given.get("kind"), given.get("micros"), given.get("salt")
    if type(kind) is not int or kind not in (1, 2):
        raise Wrong("the entry is not that of an object")
    if type(micros) is not int or not 0 <= micros < 1 << 63:
        raise Wrong("opening.json has no moment")
    if type(salt) is not str or not re.fullmatch("[0-9a-f]{32}", salt) or salt == "0" * 32:
        raise Wrong("opening.json has no salt")
    added = {"kind": kind, "date_added": _moment(micros), "salt": salt}
    opening = {"index": index, **added, "micros": micros}
    # Written anew and compared, so that no other spelling, type, or repeated name can say something else.
    if data != json.dumps(opening, indent=2).encode():
        raise Wrong("opening.json is not as the proof says: another index or time, another form, or something more")
    if extra != json.dumps(added, separators=(",", ":")).encode():
        raise Wrong("the proof and opening.json do not open the entry in the same way")
    return opening


def read_objects(files: "dict[str, bytes]", kind: object) -> "tuple[bytes, dict[str, object]]":
    """Return the bytes that the log has a digest of, and the object that they are. Raises ``Wrong``."""
    body, content = files["data/object.json"], files.get("data/object.jcs")
    shown = _json(body, "object.json")
    if (content is None) != (kind == 2):
        raise Wrong("the kind of the entry asks for object.jcs, or the bag has one that nothing is said of")
    if content is None:
        content, proven = body, shown
    else:
        proven = _json(content, "object.jcs")
        if not _same(shown, proven):
            raise Wrong("object.json and object.jcs are not the same object")
    if not isinstance(proven, dict):
        raise Wrong("object.json is no object")
    return content, proven


def read_checkpoint(text: str) -> "tuple[str, int, bytes]":
    """Return name, size and root of a checkpoint (C2SP tlog-checkpoint). Raises ``Wrong``."""
    lines = text.split("\n")
    if len(lines) < 4 or lines.pop() or not all(lines):
        raise Wrong("the checkpoint has no name, size and root")
    return lines[0], _number(lines[1]), _base64(lines[2])


def read_note(note: bytes) -> "tuple[str, list[tuple[str, bytes]]]":
    """Return the text of a signed note, and its signatures by name: four bytes of the key's id, then the signature."""
    whole = note.decode("utf-8")
    text, gap, lines = whole.rpartition("\n\n")
    if not gap or not lines.endswith("\n") or re.search(r"[\x00-\x09\x0b-\x1f]", whole):
        raise Wrong("the checkpoint is no signed note")
    signatures = []
    for line in lines[:-1].split("\n"):
        mark, _, rest = line.partition(" ")
        name, _, encoded = rest.partition(" ")
        if mark != "\u2014" or not name or len(_base64(encoded)) < 5:
            raise Wrong("the checkpoint has a line that is no signature")
        signatures.append((name, _base64(encoded)))
    return text + "\n", signatures


def leaf_of(opening: "dict[str, object]", content: bytes) -> bytes:
    """Return the hash of the entry of an object: kind, moment, and the salted digest of its content."""
    digest = hashlib.sha256(bytes.fromhex(str(opening["salt"])) + content).digest()
    entry = bytes([int(str(opening["kind"]))]) + int(str(opening["micros"])).to_bytes(8, "big") + digest
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
        mine = [signature[4:] for by, signature in signatures if by == signer and signature[:4] == wanted]
        moments = [_check_signature(data, text, signature, signer) for signature in mine]
        if moments:
            found.append(_shown(signer) + min(moments))
    return found


def stamped(files: "dict[str, bytes]", note: bytes, authority: "Path | None") -> str:
    """Return what the time-stamp proves, if an authority is trusted. Raises ``Wrong``."""
    if authority is None:
        return "no time-stamp was checked: name its --authority to prove a time by another clock than the hub's"
    token = files.get("data/timestamp.tsr")
    if token is None:
        raise Wrong("there is no time-stamp in the bag")
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "token").write_bytes(token)
        (Path(folder) / "data").write_bytes(note)
        place = ["-in", f"{folder}/token", "-data", f"{folder}/data", "-CAfile", str(authority)]
        _openssl("ts", "-verify", *place, wrong="the time-stamp is not of this authority, or of another checkpoint")
        shown = _openssl("ts", "-reply", "-in", f"{folder}/token", "-text", wrong="the time-stamp cannot be shown")
    moments = [line[12:] for line in shown.split("\n") if line.startswith("Time stamp: ")]
    if len(moments) != 1:
        raise Wrong("the time-stamp has no time that openssl shows")
    return f"time-stamped by the authority: the checkpoint was there at {_shown(moments[0])}"


def _check_signature(data: bytes, text: str, signature: bytes, name: str) -> str:
    """Check a signature, and return the time that a cosignature has, to be shown. Raises ``Wrong``."""
    message, shown = text.encode(), ""
    if data[0] == _COSIGNATURE:
        moment, signature = int.from_bytes(signature[:8], "big"), signature[8:]
        message = f"cosignature/v1\ntime {moment}\n{text}".encode()
        shown = f" at {_moment(moment * 1_000_000)} by its own clock"
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
    return shown


def _openssl(*arguments: str, wrong: str) -> str:
    try:
        done = subprocess.run(["openssl", *arguments], capture_output=True, check=False)  # noqa: S603, S607
    except FileNotFoundError:
        raise Wrong("openssl is not installed here") from None
    if done.returncode != 0:
        raise Wrong(wrong)
    return done.stdout.decode("utf-8", "replace")


def _read_folder(bag: Path) -> "dict[str, bytes]":
    """Return the files of a folder, which has neither links nor other folders than ``data``. Raises ``Wrong``."""
    found = {}
    for file in [*sorted(bag.iterdir()), *sorted((bag / "data").iterdir())]:
        name, mode = file.relative_to(bag).as_posix(), file.lstat()
        if name == "data" and stat.S_ISDIR(mode.st_mode):
            continue
        if name not in _ALLOWED or not stat.S_ISREG(mode.st_mode) or mode.st_size > _MOST_BYTES:
            raise Wrong(f"{name!r} is no file of a bag, or too large")
        found[name] = file.read_bytes()
    return found


def _read_zip(bag: Path) -> "dict[str, bytes]":
    """Return the files of a ZIP file, all of them in one folder. Raises ``Wrong``."""
    found: dict[str, bytes] = {}
    with zipfile.ZipFile(bag) as packed:
        entries = packed.infolist()
        top = entries[0].filename.partition("/")[0] if entries else ""
        for entry in entries:
            folder, _, name = entry.filename.partition("/")
            kind = stat.S_IFMT(entry.external_attr >> 16)
            if folder != top or folder in ("", ".", "..") or name not in _ALLOWED or name in found:
                raise Wrong(f"{entry.filename!r} is no file of a bag, is in another folder, or is there twice")
            if kind not in (0, stat.S_IFREG) or entry.file_size > _MOST_BYTES:
                raise Wrong(f"{entry.filename!r} is no usual file, or too large")
            found[name] = packed.read(entry)
    return found


def _json(data: bytes, name: str) -> object:
    """Return a JSON document that all readers read alike: no name twice, no numbers that are none."""

    def unique(pairs: "list[tuple[str, object]]") -> "dict[str, object]":
        if len(dict(pairs)) != len(pairs):
            raise Wrong(f"{name} has a name twice in one object")
        return dict(pairs)

    def refuse(constant: str) -> object:
        raise Wrong(f"{name} has {constant}, which is no number")

    return json.loads(data.decode("utf-8"), object_pairs_hook=unique, parse_constant=refuse)


def _same(one: object, other: object) -> bool:
    """Return whether two JSON values are the same, also in their types: true is not 1."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(value, other[name]) for name, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    numbers = {type(one), type(other)} <= {int, float}
    return (numbers or type(one) is type(other)) and one == other


def _moment(micros: int) -> str:
    """Return microseconds since the epoch as RFC 3339 has them. Raises ``OverflowError`` after the year 9999."""
    return (_EPOCH + timedelta(microseconds=micros)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _number(text: str) -> int:
    if not _NUMBER.fullmatch(text):
        raise Wrong("something is no number, or has leading zeroes")
    return int(text)


def _shown(value: object) -> str:
    """Return a text as it is where it is one line of printable ASCII, and else as JSON: it forges no other line."""
    is_plain = isinstance(value, str) and value.isascii() and value.isprintable()
    return str(value) if is_plain else json.dumps(value)


def _base64(text: str) -> bytes:
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Wrong("something is no base64") from None
    if base64.b64encode(data).decode() != text:
        raise Wrong("something is no base64 as it is written usually")
    return data


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
