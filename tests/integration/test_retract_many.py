"""One command retracts many values in batches, and an invalid value does not stop the others."""

from pathlib import Path

import orjson
import pytest
from click.testing import Result

from server.release import batches
from tests.integration.command import Run, answer


@pytest.fixture
def hub(run_with_store: Run, monkeypatch: pytest.MonkeyPatch) -> Run:
    run = run_with_store
    monkeypatch.setattr(batches, "_USUAL", 2)
    for name in ("First", "Second"):
        assert run("partner", "add", name, "--kind", "platform", "--vouched").exit_code == 0
    rows = "".join(f"{name}.example.com\n" for name in "abcdefg")
    assert run("contribute", "-", "--partner", "First", "--kind", "domain", stdin=rows).exit_code == 0
    assert run("contribute", "-", "--partner", "Second", "--kind", "domain", stdin="c.example.com\n").exit_code == 0
    return run


def listed(run: Run) -> str:
    lines: Result = run("export", "--collection", "takedown", "--format", "list")
    return "".join(sorted(line[0] for line in lines.stdout.split()))


def test_values_and_ids_of_a_file_are_retracted_and_malformed_ones_named(hub: Run, tmp_path: Path) -> None:
    [of_b] = answer(hub("lookup", "b.example.com", "--json"))[0]["indicators"]
    (tmp_path / "wrong.txt").write_text(
        f"a.example.com\n\n  {of_b['id']}\nno such value\nhxxp://c[.]example.com\nc.example.com\n"
    )
    retract = ("retract", "d.example.com", "--file", str(tmp_path / "wrong.txt"), "--reason", "false-positive")
    done = hub(*retract)
    assert (done.exit_code, listed(hub)) == (2, "efg")
    assert "no such value: " in done.stderr
    again = hub(*retract, "--json")
    assert again.exit_code == 2
    assert '"retracted": []' in again.stdout
    assert "no such value" in again.stdout
    held = hub("contribute", "-", "--partner", "First", "--kind", "domain", stdin="a.example.com\n")
    assert "held" in held.stdout
    assert listed(hub) == "efg"


def test_one_partners_reports_are_retracted_and_those_of_others_stay(hub: Run) -> None:
    values = [f"{name}.example.com" for name in "abc"]
    done = answer(hub("retract", *values, "--partner", "First", "--reason", "its own mistake", "--json"))
    assert [revoked["partner"] for revoked in done["retracted"]] == ["First"] * 3
    assert listed(hub) == "cdefg"
    assert "there is no partner" in hub("retract", "d.example.com", "--partner", "Third", "--reason", "x").stderr
    assert "--file" in hub("retract", "--reason", "x").stderr


def test_values_on_police_hold_are_set_aside_and_the_other_retracted(hub: Run, tmp_path: Path) -> None:
    accounts = [f"TH:KASITHBK:123456789{digit}" for digit in range(2)]
    for name, *more in (
        ("Bank", "--kind", "bank", "--institution", "KASITHBK"),
        ("Police", "--kind", "government", "--authority", "bank-account"),
    ):
        assert hub("partner", "add", name, "--country", "TH", *more).exit_code == 0
    rows = "".join(f"{account}\n" for account in accounts)
    assert hub("contribute", "-", "--partner", "Second", "--kind", "bank-account", stdin=rows).exit_code == 0
    order = ("--asks", "freeze", "--reference", "C-7", "--deadline", "4h", "--legal-basis", "police-order")
    account = f"bank-account:{accounts[0]}"
    assert hub("request", "open", account, "--partner", "Police", *order, "--until", "12h").exit_code == 0
    (tmp_path / "all.txt").write_text("\n".join([*accounts, "a.example.com"]))
    done = hub("retract", "--file", str(tmp_path / "all.txt"), "--reason", "wrong", "--json")
    assert done.exit_code == 2
    told = orjson.loads(done.stdout)
    assert (told["set_aside"], len(told["retracted"])) == ([account], 2)
    assert len(answer(hub("lookup", accounts[0], "--json"))[0]["indicators"]) > 0
    assert len(answer(hub("retract", accounts[0], "--reason", "wrong", "--json"))["retracted"]) == 2
