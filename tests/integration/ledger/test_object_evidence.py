"""The bag that proves one object, verified in an empty folder with Python's standard library and openssl only."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from schemas.tlog.notes import COSIGNATURE, SignedNote, SignerKey
from schemas.tlog.proofs import Checkpoint
from tests.integration.ledger.conftest import SealedScamfeed
from tests.timestamp_authority import make_authority, serving_authority


def verify(bag: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the program of the bag without this project."""
    program = bag / "verify.py"
    command = [sys.executable, "-I", str(program), str(bag), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=bag.parent)


def bag_of(sealed: SealedScamfeed, id_: str, folder: Path, *more: str) -> Path:
    """Request the bag of an object from the hub, and unpack it."""
    file = folder / "proof.zip"
    result = sealed.run("evidence", id_, "--collection", "takedown", "--output", file, "--json", *more)
    assert result.exit_code == 0, result.output
    with zipfile.ZipFile(file) as packed:
        packed.extractall(folder / "out")
    [bag] = (folder / "out").iterdir()
    return bag


def an_indicator(sealed: SealedScamfeed) -> dict[str, Any]:
    sealed.report("shop.example.com", "mall.example.com")
    return next(obj for obj in sealed.objects() if obj["type"] == "indicator")


def test_bag_is_verified_without_this_project_and_only_by_its_key(sealed: SealedScamfeed, tmp_path: Path) -> None:
    indicator = an_indicator(sealed)
    bag = bag_of(sealed, indicator["id"], tmp_path, "--version", indicator["modified"])
    done = verify(bag, "--key", str(sealed.key))
    assert done.returncode == 0, done.stderr
    assert f"PROVEN: {indicator['id']}, version {indicator['modified']}" in done.stdout
    assert json.loads((bag / "data/object.json").read_bytes()) == indicator
    other = SignerKey.make(sealed.key.name).verifier
    done = verify(bag, "--key", str(other))
    assert (done.returncode, done.stdout) == (1, "")
    assert "no key that you trust" in done.stderr


@pytest.mark.long
def test_a_flipped_byte_is_found_in_every_file_of_a_bag(sealed: SealedScamfeed, tmp_path: Path) -> None:
    bag = bag_of(sealed, an_indicator(sealed)["id"], tmp_path)
    program = (bag / "verify.py").read_bytes()
    (tmp_path / "verify.py").write_bytes(program)
    files = [file for file in sorted(bag.rglob("*")) if file.is_file()]
    assert len(files) == 12
    for file in files:
        whole = file.read_bytes()
        for place in (0, len(whole) // 2, len(whole) - 1):
            file.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
            command = [sys.executable, "-I", str(tmp_path / "verify.py"), str(bag), "--key", str(sealed.key)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            assert (done.returncode, done.stdout) == (1, ""), f"{file.name} at {place}"
        file.write_bytes(whole)
    assert verify(bag, "--key", str(sealed.key)).returncode == 0


def test_new_manifests_do_not_hide_a_changed_object(sealed: SealedScamfeed, tmp_path: Path) -> None:
    bag = bag_of(sealed, an_indicator(sealed)["id"], tmp_path)
    for name in ("object.json", "object.jcs"):
        obj = json.loads((bag / "data" / name).read_bytes())
        text = json.dumps({**obj, "confidence": 99}, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        (bag / "data" / name).write_text(text)
    for manifest in ("manifest-sha256.txt", "tagmanifest-sha256.txt"):
        names = [line.split("  ")[1] for line in (bag / manifest).read_text().splitlines()]
        done = subprocess.run(["/usr/bin/sha256sum", *names], cwd=bag, capture_output=True, text=True, check=True)
        (bag / manifest).write_text(done.stdout)
    done = verify(bag, "--key", str(sealed.key))
    assert done.returncode == 1
    assert "does not lead to the root" in done.stderr


def test_named_witness_must_have_cosigned(sealed: SealedScamfeed, tmp_path: Path) -> None:
    witness = SignerKey.make("bank.example", COSIGNATURE)
    bag = bag_of(sealed, an_indicator(sealed)["id"], tmp_path)
    done = verify(bag, "--key", str(sealed.key), "--witness", str(witness.verifier))
    assert done.returncode == 1
    assert "bank.example did not cosign" in done.stderr
    note = SignedNote.parse((bag / "data/checkpoint").read_bytes())
    assert Checkpoint.parse(note.text).size > 0


@pytest.mark.parametrize("by", ["reader", "stranger"])
def test_hidden_and_absent_objects_get_the_same_response(sealed: SealedScamfeed, tmp_path: Path, by: str) -> None:
    an_indicator(sealed)
    absent = "indicator--3c1cc1f3-5f7b-4d2c-9a4e-5f7a0b8f1d11"
    result = sealed.run("evidence", absent, "--collection", "takedown", "--output", tmp_path / "x.zip", by=by)
    assert result.exit_code == 2
    assert "shows us no such object" in result.stderr
    assert not (tmp_path / "x.zip").exists()


def test_the_hub_makes_the_same_bag_from_its_store(sealed: SealedScamfeed, tmp_path: Path) -> None:
    indicator = an_indicator(sealed)
    theirs = bag_of(sealed, indicator["id"], tmp_path)
    ours = sealed.run_at_hub("evidence", indicator["id"], "--collection", "takedown", "--output", tmp_path / "ours.zip")
    assert ours.exit_code == 0, ours.output
    with zipfile.ZipFile(tmp_path / "ours.zip") as packed:
        name = next(name for name in packed.namelist() if name.endswith("/data/object.json"))
        assert packed.read(name) == (theirs / "data/object.json").read_bytes()


def test_a_time_stamp_of_the_checkpoint_is_verified_by_openssl(sealed: SealedScamfeed, tmp_path: Path) -> None:
    authority = tmp_path / "authority"
    authority.mkdir()
    make_authority(authority)
    indicator = an_indicator(sealed)
    with serving_authority(authority) as url:
        root = str(authority / "ca.pem")
        bag = bag_of(sealed, indicator["id"], tmp_path, "--timestamp-url", url, "--timestamp-ca-file", root)
    done = verify(bag, "--key", str(sealed.key), "--authority", root)
    assert done.returncode == 0, done.stderr
    assert "time-stamped by the authority" in done.stdout
    (bag / "data/timestamp.tsr").unlink()
    assert verify(bag, "--key", str(sealed.key), "--authority", root).returncode == 1
