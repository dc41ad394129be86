"""``scamfeed log`` and ``scamfeed witness``; and a hub that another one cosigns, over real sockets."""

import stat
import time
from pathlib import Path
from typing import Any

import pytest
import requests

from schemas.ledger.checkpoints import open_checkpoint
from schemas.ledger.notes import COSIGNATURE, SignedNote, SignerKey, VerifierKey
from server.api.ledger.witness_push import WitnessPush
from server.store import Store, collections
from server.store.ledger import growth, heads
from tests.integration.command import Run, answer
from tests.integration.peers import free_port
from tests.processes import Forked, serve_hub

REPORT = "value,scam_type\nshop-{}.example.com,merchandise\n"


@pytest.fixture
def hub(run_with_store: Run) -> Run:
    """Make a hub that has published something, and a key."""
    assert run_with_store("init").exit_code == 0
    assert run_with_store("partner", "add", "Bank A", "--kind", "bank").exit_code == 0
    _report(run_with_store, 1)
    return run_with_store


def _report(run: Run, number: int) -> None:
    Path("reports.csv").write_text(REPORT.format(number))
    done = run("contribute", "reports.csv", "--partner", "Bank A", "--kind", "domain", "--tlp", "green")
    assert done.exit_code == 0, done.output


def _log_of(state: dict[str, Any], alias: str) -> dict[str, Any]:
    return next(log for log in state["logs"] if log["collection"] == alias)


def test_what_was_published_is_sealed_and_shown(hub: Run) -> None:
    assert stat.S_IMODE(Path("scamfeed-ledger.key").stat().st_mode) == 0o600
    done = answer(hub("log", "seal", "--json"))
    assert done["entries"] > 0
    assert not done["waiting"]
    state = answer(hub("log", "status", "--json"))
    found = _log_of(state, "takedown")
    assert found["size"] >= 1
    assert found["origin"].startswith("localhost/log/")
    assert "takedown" not in found["origin"]
    assert answer(hub("log", "seal", "--json"))["entries"] == 0
    assert "takedown" in hub("log", "status").output


def test_after_a_rotation_both_keys_sign_until_the_overlap_ends(hub: Run) -> None:
    answer(hub("log", "seal", "--json"))
    [old] = [key["key"] for key in answer(hub("log", "status", "--json"))["keys"] if "/log+" in key["key"]]
    new = answer(hub("log", "rotate", "--overlap-days", "30", "--by", "Anna", "--json"))["key"]
    assert new != old
    for number in (0, 2):
        if number:
            _report(hub, number)
            answer(hub("log", "seal", "--json"))
        note = _note()
        for key in (old, new):
            open_checkpoint(note, [VerifierKey.parse(key)])
    answer(hub("log", "rotate", "--overlap-days", "0", "--json"))
    _report(hub, 3)
    answer(hub("log", "seal", "--json"))
    names = {line.id.hex() for line in SignedNote.parse(_note()).signatures}
    assert len(names) == 2
    assert stat.S_IMODE(Path("scamfeed-ledger.key").stat().st_mode) == 0o600


def _note() -> bytes:
    store = Store.open("sqlite:///scamfeed.db")
    with store.read() as tx:
        tree = growth.tree_of(tx, collections.get(tx, "takedown").number)
    store.close()
    assert tree is not None
    return tree.note


def test_a_lost_or_foreign_key_is_never_replaced_by_itself(hub: Run) -> None:
    file = Path("scamfeed-ledger.key")
    text = file.read_text()
    file.chmod(0o644)
    assert "chmod 600" in hub("log", "seal").output
    file.unlink()
    assert "cannot be read" in hub("log", "seal").output
    assert hub("init").exit_code != 0
    assert not file.exists()
    other = "".join(
        f"{SignerKey.make(f'localhost/{name}', kind).text}\n" for name, kind in (("log", 1), ("witness", COSIGNATURE))
    )
    file.write_text(other)
    file.chmod(0o600)
    assert "other keys" in hub("log", "seal").output
    file.write_text(text)
    assert answer(hub("log", "seal", "--json"))["entries"] > 0


def test_witnesses_are_registered_by_their_keys(hub: Run) -> None:
    witness, log = SignerKey.make("bank.example/w", COSIGNATURE), SignerKey.make("other.example/log")
    assert "not the key of a witness" in hub("witness", "add", "Bank", "--key", str(log.verifier)).output
    assert "letter" in hub("witness", "add", "Bank", "--key", "x" + str(witness.verifier)).output
    answer(hub("witness", "add", "Bank", "--key", str(witness.verifier), "--by", "Anna", "--json"))
    assert hub("witness", "add", "Bank", "--key", str(witness.verifier)).exit_code != 0
    answer(hub("witness", "trust", "Other", "--key", str(log.verifier), "--json"))
    state = answer(hub("witness", "list", "--json"))
    assert [found["name"] for found in state["witnesses"]] == ["Bank"]
    assert [found["name"] for found in state["witness_for"]] == ["Other"]
    assert state["own_key"].startswith("localhost/witness+")
    answer(hub("witness", "remove", "Bank", "--json"))
    answer(hub("witness", "distrust", "Other", "--json"))
    assert hub("witness", "remove", "Bank").exit_code != 0


def test_another_hub_cosigns_what_follows(hub: Run, initial_store: Path, tmp_path: Path) -> None:
    answer(hub("log", "seal", "--json"))
    key = next(key["key"] for key in answer(hub("log", "status", "--json"))["keys"] if "/log+" in key["key"])
    other = tmp_path / "other"
    other.mkdir()
    (other / "hub.db").write_bytes(initial_store.read_bytes())
    config = other / "scamfeed.toml"
    port = free_port()
    config.write_text(f'database_url = "sqlite:///{other}/hub.db"\nledger_key_file = "{other}/keys"\n')
    answer(hub("--config", str(config), "init", "--json"))
    answer(hub("--config", str(config), "witness", "trust", "Us", "--key", key, "--json"))
    cosigner = answer(hub("--config", str(config), "witness", "list", "--json"))["own_key"]
    url = f"http://127.0.0.1:{port}/witness"
    answer(hub("witness", "add", "Other", "--key", cosigner, "--url", url, "--json"))
    settings = {"database_url": f"sqlite:///{other}/hub.db", "ledger_key_file": other / "keys"}
    server = Forked(serve_hub, settings, port, 1, 8, log=tmp_path / "log")
    try:
        _wait_for(f"http://127.0.0.1:{port}/health")
        store = Store.open("sqlite:///scamfeed.db")
        assert WitnessPush(store).push() == 0
        push = WitnessPush(store, allow_private=True)
        assert push.push() >= 2
        assert push.push() == 0
        first = _cosigned(store, cosigner)
        _report(hub, 2)
        answer(hub("log", "seal", "--json"))
        assert push.push() >= 1
        second = _cosigned(store, cosigner)
        assert second > first
        store.close()
    finally:
        server.terminate()
        server.wait(30)


def _cosigned(store: Store, key: str) -> int:
    with store.read() as tx:
        note = heads.cosigned(tx, collections.get(tx, "takedown").number)
    assert note is not None
    parsed = SignedNote.parse(note)
    assert parsed.signed_by([VerifierKey.parse(key)])
    return int(parsed.text.split("\n")[1])


def _wait_for(url: str) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if requests.get(url, timeout=5).ok:
                return
        except requests.ConnectionError:
            time.sleep(0.1)
    raise AssertionError("the hub does not answer")
