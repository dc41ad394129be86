"""A partner as a witness over real sockets: it cosigns a log that grows, and none that goes back or forks."""

import json
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from schemas.ledger.notes import SignedNote, VerifierKey
from server.cli.program import app
from tests.integration.ledger.conftest import SealedScamfeed
from tests.integration.ledger.test_verify import save


def cosign(hub: SealedScamfeed, folder: Path) -> tuple[int, dict[str, Any]]:
    """Return exit code and answer of a round of the witness."""
    keys = ["--key", str(hub.key), "--key-file", folder / "witness.key", "--state", folder / "seen"]
    result = hub.run("witness", "run", "--collection", "takedown", *keys, "--json")
    assert result.stdout, result.stderr
    return result.exit_code, json.loads(result.stdout)["logs"][0]


def register(hub: SealedScamfeed, folder: Path) -> VerifierKey:
    """Make the key of a witness, and let the hub know it."""
    made = CliRunner().invoke(app, ["witness", "key", str(folder / "witness.key"), "--name", "bank.example/witness"])
    assert made.exit_code == 0, made.output
    again = CliRunner().invoke(app, ["witness", "key", str(folder / "witness.key")])
    assert again.stdout == made.stdout
    key = made.stdout.strip()
    assert hub.run_at_hub("witness", "add", "First Bank", "--key", key, "--by", "Somsri P.").exit_code == 0
    return VerifierKey.parse(key)


def test_a_witness_cosigns_a_log_that_grows_and_none_that_was_set_back(
    restored: SealedScamfeed, tmp_path: Path
) -> None:
    restored.report("first.example.com")
    witness = register(restored, tmp_path)
    code, first = cosign(restored, tmp_path)
    assert (code, first["cosigned"], first["new"]) == (0, True, True)
    assert cosign(restored, tmp_path) == (0, {**first, "new": False})
    restored.back_up()
    restored.report("second.example.com")
    code, second = cosign(restored, tmp_path)
    assert (code, second["new"]) == (0, True)
    assert second["size"] > first["size"]
    file = save(tmp_path, restored.objects())
    code, answer = restored.verify(file, "--witness", str(witness))
    assert (code, answer["cosigned_by"]) == (0, ["bank.example/witness"])
    restored.set_back()
    code, answer = cosign(restored, tmp_path)
    assert (code, answer["cosigned"]) == (1, False)
    assert "went back" in answer["problem"]
    for domains in (["third.example.com"], ["fourth.example.com", "fifth.example.com"]):
        restored.report(*domains)
    code, answer = cosign(restored, tmp_path)
    assert code == 1
    assert "another past" in answer["problem"]
    notes = [SignedNote.parse(file.read_bytes()) for file in sorted((tmp_path / "seen").glob("*.note"))]
    assert [len(note.check([restored.key.for_origin(second["log"])])) for note in notes] == [1, 1]


def test_a_key_that_the_hub_does_not_know_is_named(sealed: SealedScamfeed, tmp_path: Path) -> None:
    sealed.report("shop.example.com")
    CliRunner().invoke(app, ["witness", "key", str(tmp_path / "witness.key"), "--name", "bank.example/witness"])
    code, answer = cosign(sealed, tmp_path)
    assert code == 2
    assert "does not know the key of this witness" in answer["problem"]


def test_a_secret_key_that_others_may_read_is_not_used(sealed: SealedScamfeed, tmp_path: Path) -> None:
    file = tmp_path / "witness.key"
    CliRunner().invoke(app, ["witness", "key", str(file), "--name", "bank.example/witness"])
    assert file.stat().st_mode & 0o777 == 0o600
    file.chmod(0o644)
    result = CliRunner().invoke(app, ["witness", "key", str(file)])
    assert result.exit_code == 2
    assert "chmod 600" in result.stderr
