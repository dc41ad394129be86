"""Clearance statements: issued for delisted values alone, verified offline, and silent about the accusation."""

import base64
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from schemas.api.statements import ObjectionAnswer
from server.features.clearance.operations import IssueClearanceOfObjection
from server.features.clearance.statement import NotCleared
from server.features.notices.statement import value_of
from server.features.objections import records as objections
from server.features.objections.records import Objection
from server.operations.operation import Actor
from server.operations.run import run as run_operation
from server.release.hub import Hub
from server.store import Store
from server.store.database.times import now
from tests.contract.operations.examples_of_proofs import _cleared, _keys
from tests.integration.command import Run, answer

VALUE = "TH:KASITHBK:4567890123"


@pytest.fixture
def hub(run_with_store: Run, tmp_path: Path) -> Run:
    """Make a hub that lists an account for a scam, and an address for everybody."""
    run = run_with_store
    answer(run("partner", "add", "Bank A", "--kind", "bank", "--json"))
    (tmp_path / "reports.csv").write_text("account_number,bank,country,scam_type\n4567890123,KBANK,TH,romance\n")
    answer(
        run("contribute", "reports.csv", "--partner", "Bank A", "--kind", "bank-account", "--tlp", "amber", "--json")
    )
    return run


def _delisted(hub: Run) -> None:
    assert hub("retract", VALUE, "--reason", "mistaken", "--by", "Anna").exit_code == 0


@pytest.mark.parametrize("run_with_store", ["sqlite", "postgresql"], indirect=True)
def test_only_a_delisted_value_gets_a_statement(hub: Run) -> None:
    assert hub("clearance", "make", VALUE).exit_code == 1
    assert hub("clearance", "make", "TH:KASITHBK:9999999999").exit_code == 1
    _delisted(hub)
    stated = answer(hub("clearance", "make", VALUE, "--json"))["statement"]
    assert stated.keys() == {"type", "hub", "value", "scope", "not_listed_since", "made"}
    assert stated["value"] == {"kind": "bank-account", "value": VALUE}
    assert stated["not_listed_since"] <= stated["made"]
    assert hub("clearance", "make", "TH:KASITHBK:9999999999").exit_code == 1


def test_the_statement_names_no_accusation(hub: Run) -> None:
    _delisted(hub)
    text = json.dumps(answer(hub("clearance", "make", VALUE, "--json")))
    for word in ("romance", "mule", "Bank A", "mistaken", "scam_type", "block"):
        assert word not in text


def test_the_statement_is_verified_offline(hub: Run, tmp_path: Path) -> None:
    _delisted(hub)
    (tmp_path / "hub.pem").write_text(hub("key", "show").stdout)
    assert hub("clearance", "make", VALUE, "--output", "clearance.json").exit_code == 0
    assert answer(hub("clearance", "check", "clearance.json", "--key", "hub.pem", "--json"))["good"]
    document = json.loads((tmp_path / "clearance.json").read_text())
    text = json.dumps(document["statement"], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    (tmp_path / "statement").write_text(text, encoding="utf-8")
    (tmp_path / "signature").write_bytes(base64.b64decode(document["signatures"][0]["signature"]))
    asked = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", "hub.pem", "-rawin", "-in", "statement"]
    asked += ["-sigfile", "signature"]
    assert subprocess.run(asked, cwd=tmp_path, capture_output=True, check=False).returncode == 0
    (tmp_path / "clearance.json").write_text(json.dumps(document).replace("4567890123", "4567890124"))
    assert hub("clearance", "check", "clearance.json", "--key", "hub.pem").exit_code == 1


@pytest.mark.parametrize("language", ["en", "th"])
def test_the_page_has_the_statement_attached(hub: Run, tmp_path: Path, language: str) -> None:
    _delisted(hub)
    assert hub("clearance", "make", VALUE, "--pdf", "clearance.pdf", "--language", language).exit_code == 0
    written = (tmp_path / "clearance.pdf").read_bytes()
    assert written.startswith(b"%PDF")
    assert b"clearance.json" in written


def _code(store: Store, subject: str, word: ObjectionAnswer, *, public: bool, kind: str = "bank-account") -> str:
    """Store an ended objection, and return its code."""
    at, id_ = now(), objections.new_id()
    with store.begin() as tx:
        code = objections.add(tx, Objection(id_, kind, "other", None, None, at, at), [subject])
        objections.route(tx, id_, listed=True, public=public, provider=None)
        objections.answer(tx, [id_], word, "Anong")
    return code


def test_a_code_of_no_public_clearance_gets_the_same_refusal(hub: Run, tmp_path: Path) -> None:
    _delisted(hub)
    value = value_of(VALUE)
    (file,) = tmp_path.glob("*.db")
    store = Store.open(f"sqlite:///{file}")
    try:
        codes = [
            _code(store, value.name, ObjectionAnswer.CLEARED, public=False),
            _code(store, value.name, ObjectionAnswer.STAYS, public=True),
            # Cleared for everybody, but this value was never in the public list.
            _code(store, value.name, ObjectionAnswer.CLEARED, public=True),
            "0000-0000-0000-0000-0000",
        ]
        said: set[str] = set()
        for code in codes:
            operation: Any = IssueClearanceOfObjection(value=value, keys=_keys(), code=code)
            with pytest.raises(NotCleared) as raised:
                run_operation(Hub(store), operation, Actor.anybody())
            said.add(str(raised.value))
        assert said == {""}
    finally:
        store.close()


def test_a_code_does_not_tell_of_a_value_that_was_delisted_before(desk_store: Path, tmp_path: Path) -> None:
    store = Store.open(f"sqlite:///{shutil.copy(desk_store, tmp_path / 'desk.db')}")
    try:
        value = _cleared(Hub(store), "clear")
        other = value_of("another.example.net", "domain").name
        code = _code(store, other, ObjectionAnswer.CLEARED, public=True, kind="domain")
        operation: Any = IssueClearanceOfObjection(value=value, keys=_keys(), code=code)
        with pytest.raises(NotCleared):
            run_operation(Hub(store), operation, Actor.anybody())
    finally:
        store.close()
