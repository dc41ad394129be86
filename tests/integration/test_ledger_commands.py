"""``scamfeed log`` and ``scamfeed witness``, and a hub cosigned by another hub over real sockets."""

import re
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import requests

from schemas.tlog.notes import COSIGNATURE, SignedNote, SignerKey, VerifierKey
from schemas.tlog.proofs import open_checkpoint
from server.features.ledger.witness_push import WitnessPush
from server.store import Store, collections
from server.store.ledger import growth, heads
from tests.integration.command import Run, answer
from tests.ports import free_port
from tests.processes import Forked, serve_hub

REPORT = "value,scam_type\nshop-{}.example.com,merchandise\n"


@pytest.fixture
def hub(run_with_store: Run) -> Run:
    """Make a hub with published objects and a key."""
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


def test_published_objects_are_sealed_and_shown(hub: Run) -> None:
    assert stat.S_IMODE(Path("scamfeed-ledger.key").stat().st_mode) == 0o600
    done = answer(hub("log", "seal", "--json"))
    assert done["entries"] > 0
    assert not done["waiting"]
    state = answer(hub("log", "status", "--json"))
    found = _log_of(state, "takedown")
    assert found["size"] >= 1
    assert re.match(r"[0-9a-f]{8}\.localhost/log/", found["origin"])
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
    note = SignedNote.parse(_note())
    # From two keys, each under the log's name and its own.
    assert len({line.id.hex() for line in note.signatures}) == 4
    assert len({line.signature for line in note.signatures}) == 2
    assert stat.S_IMODE(Path("scamfeed-ledger.key").stat().st_mode) == 0o600


def test_names_of_keys_and_logs_are_computed_as_documented(hub: Run) -> None:
    """The page's program derives the keys with Python's standard library, and they verify the head."""
    answer(hub("log", "seal", "--json"))
    state = answer(hub("log", "status", "--json"))
    page = (Path(__file__).parents[2] / "docs/ledger.md").read_text()
    program = page.split("### Names and key ids")[1].split("```python")[1].split("```")[0]
    Path("head").write_bytes(_note())
    shown = subprocess.run(
        [sys.executable, "-I", "-c", program, state["keys"][0]["key"], "head"],
        capture_output=True,
        text=True,
        check=True,
    )
    lines = shown.stdout.splitlines()
    found = _log_of(state, "takedown")
    own = found["origin"].partition("/log/")[0] + "/log"
    assert lines == [state["keys"][0]["key"], found["key"], f"{found['origin']}: signed", f"{own}: signed"]
    for key, name in ((found["key"], found["origin"]), (state["keys"][0]["key"], own)):
        # Like a verifier without knowledge of hubs and logs: only with the name and the id in the line.
        verifier = VerifierKey.parse(key)
        assert verifier.name == name
        assert SignedNote.parse(_note()).check([verifier])


def _note() -> bytes:
    store = Store.open("sqlite:///scamfeed.db")
    with store.read() as tx:
        tree = growth.tree_of(tx, collections.get(tx, "takedown").number)
    store.close()
    assert tree is not None
    return tree.note


def test_lost_or_foreign_key_is_never_replaced_automatically(hub: Run) -> None:
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
    assert re.match(r"[0-9a-f]{8}\.localhost/witness\+", state["own_key"])
    answer(hub("witness", "remove", "Bank", "--json"))
    answer(hub("witness", "distrust", "Other", "--json"))
    assert hub("witness", "remove", "Bank").exit_code != 0


def test_another_hub_cosigns_later_checkpoints(hub: Run, initial_store: Path, tmp_path: Path) -> None:
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
        server.wait(60)


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
            if requests.get(url, timeout=60).ok:
                return
        except (requests.ConnectionError, requests.Timeout):
            time.sleep(0.1)
    raise AssertionError("the hub does not answer")
