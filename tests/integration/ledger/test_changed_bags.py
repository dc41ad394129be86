"""Verification refuses every change to a bag, or prints the same statements as for the original."""

import base64
import copy
import hashlib
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from feeds.transport import timestamps
from feeds.transport.timestamps import TimestampAuthority
from schemas.tlog import verify as program
from schemas.tlog.notes import COSIGNATURE, SignedNote, SignerKey
from tests.integration.ledger.conftest import SealedScamfeed
from tests.integration.ledger.test_object_evidence import an_indicator, bag_of
from tests.searches import WHOLE, sample
from tests.timestamp_authority import make_authority, serving_authority

WITNESS = SignerKey.make("bank.example/witness", COSIGNATURE)
AT = 1_780_000_000
# Files without a byte that can be changed.
PROVEN = {f"data/{name}" for name in ("object.jcs", "opening.json", "proof.tlog-proof", "checkpoint")}


class MadeBag:
    """An original bag, its printed statements, and copies of it for changes."""

    def __init__(self, folder: Path, arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.arguments = arguments
        self._capsys = capsys
        self._files = {file.relative_to(folder).as_posix(): file.read_bytes() for file in files_of(folder)}
        self._written: dict[str, bytes] = {}
        self.checked = self.refused = 0
        code, self.printed, problem = self.run(folder)
        assert code == 0, problem

    @property
    def files(self) -> dict[str, bytes]:
        return dict(self._files)

    def run(self, bag: Path) -> tuple[int, str, str]:
        code = program.main([str(bag), *self.arguments])
        shown = self._capsys.readouterr()
        return code, shown.out, shown.err

    def check(self, change: str, bag: Path, *, must_fail: bool = False) -> None:
        """Check that a changed bag is refused, or that the same statements are printed."""
        code, printed, problem = self.run(bag)
        self.checked += 1
        self.refused += code
        if code == 0 and not must_fail:
            assert printed == self.printed, change
        else:
            assert (code, printed) == (1, ""), change
            assert problem.startswith("NOT PROVEN: "), change
            assert problem.count("\n") == 1, change

    def check_files(self, change: str, files: dict[str, bytes], *, must_fail: bool = False) -> None:
        """Check a bag of these files with new manifests."""
        bag = self.folder.with_name("changed")
        wanted = with_manifests(files)
        if wanted.keys() != self._written.keys():
            shutil.rmtree(bag, ignore_errors=True)
            self._written = {}
        for name, data in wanted.items():
            if self._written.get(name) != data:
                (bag / name).parent.mkdir(parents=True, exist_ok=True)
                (bag / name).write_bytes(data)
        self._written = wanted
        self.check(change, bag, must_fail=must_fail)


def files_of(folder: Path) -> list[Path]:
    return [file for file in sorted(folder.rglob("*")) if file.is_file()]


def with_manifests(files: dict[str, bytes]) -> dict[str, bytes]:
    """Return the files with correct manifests, as a forger would write them."""
    found = dict(files)
    for manifest, is_payload in (("manifest-sha256.txt", True), ("tagmanifest-sha256.txt", False)):
        named = [
            name
            for name in sorted(found)
            if name.startswith("data/") is is_payload and name != "tagmanifest-sha256.txt"
        ]
        found[manifest] = "".join(f"{hashlib.sha256(found[name]).hexdigest()}  {name}\n" for name in named).encode()
    return found


@pytest.fixture(params=["plain", "cosigned and stamped"])
def made(
    request: pytest.FixtureRequest, sealed: SealedScamfeed, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> MadeBag:
    """Make a bag: by the hub alone, or with a witness and a time-stamping authority."""
    id_ = an_indicator(sealed)["id"]
    keys = ["--key", str(sealed.key)]
    if request.param == "plain":
        return MadeBag(bag_of(sealed, id_, tmp_path), keys, capsys)
    authority = tmp_path / "authority"
    authority.mkdir()
    make_authority(authority)
    root = str(authority / "ca.pem")
    with serving_authority(authority) as url:
        bag = bag_of(sealed, id_, tmp_path, "--timestamp-url", url, "--timestamp-ca-file", root)
        cosign(bag, url, root, sealed)
    arguments = [*keys, "--witness", str(WITNESS.verifier), "--authority", root]
    return MadeBag(bag, arguments, capsys)


def cosign(bag: Path, url: str, root: str, sealed: SealedScamfeed) -> None:
    """Add to a bag the cosignature of a witness and a time-stamp of the cosigned checkpoint."""
    note = SignedNote.parse((bag / "data/checkpoint").read_bytes())
    cosigned = bytes(SignedNote(note.text, (*note.signatures, WITNESS.sign(note.text, AT))))
    proof = (bag / "data/proof.tlog-proof").read_bytes()
    (bag / "data/proof.tlog-proof").write_bytes(proof.partition(b"\n\n")[0] + b"\n\n" + cosigned)
    (bag / "data/checkpoint").write_bytes(cosigned)
    authority = TimestampAuthority(url=url, root_file=Path(root), allow_private=True)
    stamp = timestamps.fetch(authority, hashlib.sha256(cosigned).digest())
    (bag / "data/timestamp.tsr").write_bytes(stamp.response)
    files = {file.relative_to(bag).as_posix(): file.read_bytes() for file in files_of(bag)}
    for name, data in with_manifests(files).items():
        (bag / name).write_bytes(data)


def test_every_statement_follows_from_signed_data(made: MadeBag) -> None:
    lines = made.printed.splitlines()
    opening = json.loads(made.files["data/opening.json"])
    assert opening["date_added"] in lines[1]
    assert lines[-1] == "custody.json and README.txt are not signed: they prove nothing"
    if "data/timestamp.tsr" in made.files:
        assert "cosigned by bank.example/witness at 2026-05-28T20:26:40.000000Z by its own clock" in lines
        assert "GMT" in lines[-2]


@pytest.mark.long
@pytest.mark.search
def test_changed_bytes(made: MadeBag) -> None:
    for name, data in made.files.items():
        is_proven = name in PROVEN
        places = (40 if WHOLE else 10) if is_proven else 4
        for place in range(0, len(data), max(1, len(data) // places)):
            changed = {
                "flipped": data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :],
                "cut out": data[:place] + data[place + 1 :],
                "doubled": data[: place + 1] + data[place:],
                "line": data[:place] + b"\n" + data[place:],
            }
            for change, text in changed.items():
                made.check_files(f"{name}: {change} at {place}", made.files | {name: text}, must_fail=is_proven)
        for text in (data[: len(data) // 2], b""):
            made.check_files(f"{name}: cut off", made.files | {name: text}, must_fail=is_proven)


@pytest.mark.long_but("plain")
def test_changed_lines(made: MadeBag) -> None:
    """Omit, repeat, swap and add lines, at each place of each text made of lines."""
    for name in ("data/proof.tlog-proof", "data/checkpoint"):
        lines = made.files[name].decode().split("\n")
        for place in range(len(lines)):
            others = [lines[place], "", "extra e30=", "index 0", "size 1", "\u2014 x AAAAAAAA", "A" * 43 + "=", " "]
            changes = [[*lines[:place], other, *lines[place:]] for other in others]
            changes += [
                [*lines[:place], *lines[place + 1 :]],
                [*lines[:place], lines[place] + " ", *lines[place + 1 :]],
            ]
            changes += [[*lines[:place], lines[place] + "\r", *lines[place + 1 :]]]
            for changed in changes:
                text = "\n".join(changed).encode()
                made.check_files(f"{name}: {changed}", made.files | {name: text})
                if name == "data/checkpoint":
                    proof = made.files["data/proof.tlog-proof"].partition(b"\n\n")[0] + b"\n\n" + text
                    both = {name: text, "data/proof.tlog-proof": proof}
                    made.check_files(f"checkpoint and proof: {changed}", made.files | both)


def _changed_values(value: Any) -> Iterator[Any]:
    """Yield other values, including values that Python considers equal."""
    if isinstance(value, bool):
        yield from (int(value), not value, str(value))
    elif isinstance(value, int):
        yield from (value + 1, -value, float(value), float(value) + 0.5, str(value), bool(value), [value], value << 64)
    elif isinstance(value, str):
        yield from (value + "0", value.upper() + " ", value[:-1], [value], None, 0, value.replace("2026", "2025"))
    yield from (None, {}, [], True)


def _changed_documents(document: Any) -> Iterator[Any]:
    """Yield documents that differ from the original in one place."""
    paths: list[tuple[Any, ...]] = [()]
    for path in paths:
        value = document
        for name in path:
            value = value[name]
        if isinstance(value, dict):
            paths += [(*path, name) for name in value]
        elif isinstance(value, list):
            paths += [(*path, place) for place in range(len(value))]
    for path in paths[1:]:
        value = document
        for name in path:
            value = value[name]
        for other in _changed_values(value):
            changed = copy.deepcopy(document)
            within = changed
            for name in path[:-1]:
                within = within[name]
            within[path[-1]] = other
            yield changed
        if isinstance(path[-1], str):
            changed = copy.deepcopy(document)
            within = changed
            for name in path[:-1]:
                within = within[name]
            del within[path[-1]]
            yield changed
            if isinstance(changed, dict):
                yield {**changed, "more": value}


def _texts(data: bytes) -> Iterator[bytes]:
    """Yield JSON texts that different readers interpret differently."""
    document = json.loads(data)
    for changed in _changed_documents(document):
        yield json.dumps(changed, indent=2).encode()
        yield json.dumps(changed, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    if isinstance(document, dict):
        for name, value in document.items():
            for other in _changed_values(value):
                # A duplicate name: some readers take the first value, others the last.
                pair = f"{json.dumps(name)}: {json.dumps(other)}"
                yield data.replace(b"{", f"{{{pair},".encode(), 1)
                yield data.rstrip()[:-1] + f", {pair}}}".encode()


def _odd_texts(data: bytes) -> Iterator[bytes]:
    """Yield texts that are no JSON document, or not only the original one."""
    yield from (b"[" + data + b"]", data + data, data + b"\n", b"\xef\xbb\xbf" + data, data + b"{}", b"NaN", b"null")
    yield data.replace(b": ", b":NaN, ", 1)
    yield b"[" * 100_000
    yield data.decode().encode("utf-16")


@pytest.mark.long_but("plain")
@pytest.mark.search
@pytest.mark.parametrize("name", ["object.json", "object.jcs", "opening.json", "custody.json"])
def test_changed_documents(made: MadeBag, name: str) -> None:
    path = f"data/{name}"
    for text in (*sample(_texts(made.files[path]), 5), *_odd_texts(made.files[path])):
        made.check_files(f"{name}: {text[:300]!r}", made.files | {path: text})
    if name == "custody.json":
        assert made.refused == 0
    else:
        assert made.refused > 20


def test_forged_time_or_duplicate_name_is_refused_even_in_all_files(made: MadeBag) -> None:
    """Change the opening and the data of the proof together, so that they match."""
    opening = json.loads(made.files["data/opening.json"])
    head, _, note = made.files["data/proof.tlog-proof"].partition(b"\n\n")
    lines = head.split(b"\n")
    changes: list[dict[str, Any]] = [
        {"date_added": "2020-01-01T00:00:00.000000Z"},
        {"date_added": opening["date_added"].replace("Z", "+00:00")},
        {"micros": opening["micros"] - 1},
        {"kind": 2},
        {"kind": True},
        {"salt": opening["salt"].upper() if opening["salt"].upper() != opening["salt"] else "0" * 32},
        {"salt": opening["salt"] + "7b"},
        {"more": 1},
    ]
    for change in changes:
        changed = {**opening, **change}
        extra = {name: value for name, value in changed.items() if name not in ("index", "micros")}
        encoded = base64.b64encode(json.dumps(extra, separators=(",", ":")).encode())
        proof = b"\n".join([lines[0], b"extra " + encoded, *lines[2:]]) + b"\n\n" + note
        both = {"data/opening.json": json.dumps(changed, indent=2).encode(), "data/proof.tlog-proof": proof}
        made.check_files(f"{change}", made.files | both, must_fail=True)


def test_other_files(made: MadeBag, tmp_path: Path) -> None:
    for name in ("more", "data/more", "data/object.JSON", "data/deep/object.json", "other/data/object.json", "data/.x"):
        made.check_files(f"more: {name}", made.files | {name: b"{}"}, must_fail=True)
    for name in made.files:
        less = {known: data for known, data in made.files.items() if known != name}
        if name not in ("manifest-sha256.txt", "tagmanifest-sha256.txt"):
            made.check_files(f"less: {name}", less, must_fail=True)
    for name in made.files:
        changes: list[Callable[[Path, bytes, Path], None]] = [_link, _folder, _pipe]
        for change in changes:
            bag = tmp_path / "linked"
            shutil.rmtree(bag, ignore_errors=True)
            shutil.copytree(made.folder, bag)
            change(bag / name, made.files[name], tmp_path / "elsewhere")
            made.check(f"{change.__name__}: {name}", bag, must_fail=True)
    bag = tmp_path / "linked"
    shutil.rmtree(bag)
    shutil.copytree(made.folder, bag)
    shutil.move(bag / "data", tmp_path / "moved")
    (bag / "data").symlink_to(tmp_path / "moved")
    made.check("the folder is a link", bag, must_fail=True)


def _link(place: Path, data: bytes, elsewhere: Path) -> None:
    elsewhere.write_bytes(data)
    place.unlink()
    place.symlink_to(elsewhere)


def _folder(place: Path, data: bytes, elsewhere: Path) -> None:
    place.unlink()
    place.mkdir()


def _pipe(place: Path, data: bytes, elsewhere: Path) -> None:
    place.unlink()
    os.mkfifo(place)


def _zipped(file: Path, entries: list[tuple[str | zipfile.ZipInfo, bytes]]) -> Path:
    with zipfile.ZipFile(file, "w") as out:
        for entry, data in entries:
            out.writestr(entry, data)
    return file


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_changed_zip_files(made: MadeBag, tmp_path: Path) -> None:
    file, files = tmp_path / "changed.zip", made.files
    usual: list[tuple[str | zipfile.ZipInfo, bytes]] = [(f"bag/{name}", data) for name, data in files.items()]
    assert made.run(_zipped(file, usual))[:2] == (0, made.printed)
    link = zipfile.ZipInfo("bag/data/object.json")
    link.external_attr = 0o120777 << 16
    without = [entry for entry in usual if entry[0] != "bag/data/object.json"]
    body = files["data/object.json"]
    changes: dict[str, list[tuple[str | zipfile.ZipInfo, bytes]]] = {
        "second folder": [*usual, ("other/data/object.json", body)],
        "second folder first": [("other/data/object.json", body), *usual],
        "two folders": [*without, ("other/data/object.json", body)],
        "twice": [*usual, ("bag/data/object.json", body)],
        "no folder": [(str(name).removeprefix("bag/"), data) for name, data in usual],
        "absolute": [(f"/{name}", data) for name, data in usual],
        "upwards": [(f"../{name}", data) for name, data in usual],
        "inside upwards": [*without, ("bag/x/../data/object.json", body)],
        "dot": [*without, ("bag/./data/object.json", body)],
        "link": [*without, (link, b"/etc/passwd")],
        "more": [*usual, ("bag/data/more", b"")],
        "a folder": [*usual, ("bag/data/", b"")],
        "empty": [],
    }
    for change, entries in changes.items():
        made.check(change, _zipped(file, entries), must_fail=True)
    _zipped(file, usual)
    whole = file.read_bytes()
    for place in range(0, len(whole), max(1, len(whole) // 150)):
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 0x41]) + whole[place + 1 :])
        made.check(f"a byte of the ZIP file at {place}", file)
    for end in (0, 10, len(whole) // 2, len(whole) - 1):
        file.write_bytes(whole[:end])
        made.check(f"cut off at {end}", file, must_fail=True)


def test_program_refuses_by_itself(made: MadeBag, tmp_path: Path) -> None:
    """Run the same cases with the standalone program, which uses only Python's standard library."""
    bag = tmp_path / "forged"
    shutil.copytree(made.folder, bag)
    shutil.copy(Path(program.__file__), tmp_path / "verify.py")
    command = [sys.executable, "-I", str(tmp_path / "verify.py"), str(bag), *made.arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, made.printed)
    opening = json.loads((bag / "data/opening.json").read_bytes())
    text = json.dumps({**opening, "date_added": "2020-01-01T00:00:00.000000Z"}, indent=2).encode()
    for name, data in with_manifests(made.files | {"data/opening.json": text}).items():
        (bag / name).write_bytes(data)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
