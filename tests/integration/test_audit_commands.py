"""``scamfeed audit``: check and export the audit trail, and find changes in the store or in a file."""

import hashlib
import json
import sqlite3
import stat
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from tests.integration.command import Run, answer


@pytest.fixture
def hub(run_with_store: Run) -> Run:
    """Make a hub with a partner that left and returned twice."""
    assert run_with_store("partner", "add", "Bank A", "--kind", "bank").exit_code == 0
    _leave_and_return(run_with_store, 2)
    return run_with_store


def _leave_and_return(run: Run, times: int) -> None:
    for _ in range(times):
        for step in ("remove", "restore"):
            assert run("partner", step, "Bank A", "--by", "Anna").exit_code == 0


def _change(sql: str) -> None:
    with closing(sqlite3.connect("scamfeed.db")) as database, database:
        assert database.execute(sql).rowcount == 1


def test_exported_trail_is_verified_with_the_hub_key(hub: Run) -> None:
    Path("hub.pem").write_text(hub("key", "show").stdout)
    done = answer(hub("audit", "export", "--output", "trail.jsonl", "--json"))
    assert done["entries"] >= 3
    assert stat.S_IMODE(Path("trail.jsonl").stat().st_mode) == 0o600
    found = answer(hub("audit", "verify", "--file", "trail.jsonl", "--key", "hub.pem", "--json"))
    assert (found["whole"], found["entries"], len(found["signed_by"])) == (True, done["entries"], 1)
    assert answer(hub("audit", "verify", "--json"))["entries"] == done["entries"]


def test_exported_trail_is_verified_with_the_standard_library_alone(hub: Run) -> None:
    answer(hub("audit", "export", "--output", "trail.jsonl", "--json"))
    chain, number, hash_ = "", 0, b""
    heads = {}
    for line in map(json.loads, Path("trail.jsonl").read_text().splitlines()):
        if "begins" in line:
            chain, number, hash_ = line["chain"], line["begins"][0], bytes.fromhex(line["begins"][1])
        elif "entry" in line:
            number += 1
            sealed = json.dumps([chain, number, *line["entry"]], separators=(",", ":"), ensure_ascii=False).encode()
            hash_ = hashlib.sha256(hash_ + sealed).digest()
            assert hash_.hex() == line["hash"]
        heads[chain] = [number, hash_.hex()]
        if "statement" in line:
            del heads[""]
            assert line["statement"]["heads"] == heads


def test_a_changed_entry_is_named_in_the_store(hub: Run) -> None:
    answer(hub("audit", "verify", "--json"))
    _change("UPDATE audit SET remote = 'Berta' WHERE chain = 'requests' AND number = 2")
    found = hub("audit", "verify", "--json")
    assert found.exit_code == 1
    assert json.loads(found.stdout)["broken"] == [{"chain": "requests", "number": 2}]


@pytest.mark.parametrize("line", range(1, 5))
def test_a_changed_or_missing_line_of_a_file_is_found(hub: Run, line: int) -> None:
    Path("hub.pem").write_text(hub("key", "show").stdout)
    answer(hub("audit", "export", "--output", "trail.jsonl", "--json"))
    lines = Path("trail.jsonl").read_text().splitlines(keepends=True)
    altered = lines[line].replace("0", "1")
    for changed in ([*lines[:line], *lines[line + 1 :]], [*lines[:line], altered, *lines[line + 1 :]]):
        Path("changed.jsonl").write_text("".join(changed))
        assert hub("audit", "verify", "--file", "changed.jsonl", "--key", "hub.pem").exit_code == 1


def test_rewritten_trail_contradicts_an_earlier_export(hub: Run) -> None:
    answer(hub("audit", "export", "--output", "earlier.jsonl", "--json"))
    assert answer(hub("audit", "verify", "--since", "earlier.jsonl", "--json"))["whole"]
    with closing(sqlite3.connect("scamfeed.db")) as database, database:
        database.execute("DELETE FROM audit WHERE chain = 'requests'")
        database.execute("DELETE FROM audit_ends WHERE chain = 'requests'")
    _leave_and_return(hub, 4)
    assert answer(hub("audit", "verify", "--json"))["whole"]
    found = hub("audit", "verify", "--since", "earlier.jsonl", "--json")
    assert (found.exit_code, json.loads(found.stdout)["broken"][0]["chain"]) == (1, "requests")
    answer(hub("audit", "export", "--output", "later.jsonl", "--json"))
    assert hub("audit", "verify", "--file", "later.jsonl", "--since", "earlier.jsonl").exit_code == 1


def test_malformed_export_is_refused(hub: Run) -> None:
    for content in ("", "{}\n", "no json\n", '{"format":"scamfeed-audit/1","fields":["first"]}\n[]\n'):
        Path("no.jsonl").write_text(content)
        refused = hub("audit", "verify", "--file", "no.jsonl")
        assert refused.exit_code == 1
        assert "no.jsonl" in refused.stderr


def test_an_exported_file_is_signed_by_each_key_and_openssl_checks_it(hub: Run, tmp_path: Path) -> None:
    old = hub("key", "show").stdout
    assert len(answer(hub("key", "renew", "--json"))["keys"]) == 2
    more = ("--collection", "public", "--format", "csv", "--sign")
    assert hub("export", *more, "--output", "public.csv").exit_code == 0
    (tmp_path / "new.pem").write_text(hub("key", "show").stdout.removesuffix(old))
    (tmp_path / "old.pem").write_text(old)
    for key, signature in (("new.pem", "public.csv.sig"), ("old.pem", "public.csv.sig.2")):
        command = f"openssl pkeyutl -verify -pubin -inkey {key} -rawin -in public.csv -sigfile {signature}"
        subprocess.run(command.split(), check=True, capture_output=True)
    assert hub("export", *more).exit_code == 2
    [first, last] = answer(hub("key", "show", "--json"))
    assert answer(hub("key", "drop", last["key"][:12], "--json"))["keys"] == [first["key"]]
    assert hub("key", "drop", first["key"]).exit_code == 2
