"""Renew keys from a file to an HSM and back with an overlap, for statements and for the ledger."""

from contextlib import closing
from pathlib import Path

import pytest

from schemas.tlog.notes import VerifierKey
from schemas.tlog.proofs import open_checkpoint
from schemas.tlog.signatures import public_keys_of, verified
from server.store import Store, collections
from server.store.ledger import growth
from tests.integration.command import Run, answer
from tests.soft_hsm import SoftHsm


def test_a_notice_is_signed_by_a_file_and_an_hsm_until_one_is_dropped(run_with_store: Run, hsm: SoftHsm) -> None:
    run = run_with_store
    assert run("partner", "add", "Bank A", "--kind", "bank").exit_code == 0
    [old] = [key["key"] for key in answer(run("key", "show", "--json"))]
    both = answer(run("key", "renew", "--pkcs11", hsm.make_key("statements"), "--by", "Anna", "--json"))["keys"]
    assert both[1] == old
    notice = ("notice", "shop.example.com", "--partner", "Bank A", "--json")
    trusted = public_keys_of(run("key", "show").stdout)
    assert verified(answer(run(*notice)), trusted)[1] == sorted(both)
    assert answer(run("key", "drop", old, "--json"))["keys"] == both[:1]
    assert "PRIVATE" not in Path("scamfeed-signing-key.pem").read_text()
    assert verified(answer(run(*notice)), trusted)[1] == both[:1]
    # A URI for the same key as in the file does not renew the key.
    uri = hsm.uri("statements")
    Path("scamfeed.toml").write_text(f'signing_key_file = "{uri}"\n')
    assert verified(answer(run(*notice)), trusted)[1] == both[:1]
    assert "write the URI into a file" in run("key", "renew").stderr
    Path("scamfeed.toml").write_text("")
    assert "no such key" in run("key", "renew", "--pkcs11", hsm.uri("absent")).stderr


def test_ledger_is_signed_by_the_hsm_and_the_former_key_and_waits_for_the_hsm(
    run_with_store: Run, hsm: SoftHsm, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = run_with_store
    assert run("partner", "add", "Bank A", "--kind", "bank").exit_code == 0
    answer(run("log", "seal", "--json"))
    [old] = [key["key"] for key in answer(run("log", "status", "--json"))["keys"] if "/log+" in key["key"]]
    new = answer(run("log", "rotate", "--pkcs11", hsm.make_key("ledger"), "--json"))["key"]
    Path("reports.csv").write_text("value,scam_type\nshop.example.com,merchandise\n")
    assert run("contribute", "reports.csv", "--partner", "Bank A", "--kind", "domain", "--tlp", "green").exit_code == 0
    file = Path("scamfeed-ledger.key")
    whole = file.read_text()
    file.write_text(whole.replace("object=ledger", "object=absent"))
    assert answer(run("log", "seal", "--json")) == {"entries": 0, "waiting": True}
    file.write_text(whole)
    assert answer(run("log", "seal", "--json"))["entries"] > 0
    third = answer(run("log", "rotate", "--json"))["key"]
    note = _note()
    for key in (old, new, third):
        open_checkpoint(note, [VerifierKey.parse(key)])
    assert "no such key" in run("log", "rotate", "--pkcs11", hsm.uri("absent")).stderr
    monkeypatch.setenv("SCAMFEED_LEDGER_KEY_FILE", hsm.uri("ledger"))
    assert "scamfeed log rotate --pkcs11" in run("log", "seal").stderr


def _note() -> bytes:
    with closing(Store.open("sqlite:///scamfeed.db")) as store, store.read() as tx:
        tree = growth.tree_of(tx, collections.get(tx, "takedown").number)
    assert tree is not None
    return tree.note
