"""A partner as witness over real sockets cosigns a growing log, and rejects a rewound or forked one."""

import json
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from schemas.tlog.notes import SignedNote, VerifierKey
from server.cli.program import app
from tests.integration.ledger.conftest import SealedScamfeed
from tests.integration.ledger.test_verify import save


def cosign(hub: SealedScamfeed, folder: Path) -> tuple[int, dict[str, Any]]:
    """Return the exit code and output of one round of the witness."""
    keys = ["--key", str(hub.key), "--key-file", folder / "witness.key", "--state", folder / "seen"]
    result = hub.run("witness", "run", "--collection", "takedown", *keys, "--json")
    assert result.stdout, result.stderr
    return result.exit_code, json.loads(result.stdout)["logs"][0]


def register(hub: SealedScamfeed, folder: Path) -> VerifierKey:
    """Make a witness key, and register it at the hub."""
    made = CliRunner().invoke(app, ["witness", "key", str(folder / "witness.key"), "--name", "bank.example/witness"])
    assert made.exit_code == 0, made.output
    again = CliRunner().invoke(app, ["witness", "key", str(folder / "witness.key")])
    assert again.stdout == made.stdout
    key = made.stdout.strip()
    assert hub.run_at_hub("witness", "add", "First Bank", "--key", key, "--by", "Somsri P.").exit_code == 0
    return VerifierKey.parse(key)


def test_witness_cosigns_a_growing_log_and_rejects_a_rewound_one(restored: SealedScamfeed, tmp_path: Path) -> None:
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
    assert "history of the log has changed" in answer["problem"]
    notes = [SignedNote.parse(file.read_bytes()) for file in sorted((tmp_path / "seen").glob("*.note"))]
    assert [len(note.check([restored.key.for_origin(second["log"])])) for note in notes] == [1, 1]


def test_key_unknown_to_the_hub_is_reported(sealed: SealedScamfeed, tmp_path: Path) -> None:
    sealed.report("shop.example.com")
    CliRunner().invoke(app, ["witness", "key", str(tmp_path / "witness.key"), "--name", "bank.example/witness"])
    code, answer = cosign(sealed, tmp_path)
    assert code == 2
    assert "does not know the key of this witness" in answer["problem"]


def test_secret_key_readable_by_others_is_not_used(sealed: SealedScamfeed, tmp_path: Path) -> None:
    file = tmp_path / "witness.key"
    CliRunner().invoke(app, ["witness", "key", str(file), "--name", "bank.example/witness"])
    assert file.stat().st_mode & 0o777 == 0o600
    file.chmod(0o644)
    result = CliRunner().invoke(app, ["witness", "key", str(file)])
    assert result.exit_code == 2
    assert "chmod 600" in result.stderr
