"""Many values are retracted by one command, in batches, and one that is wrong stops none of the others."""

from pathlib import Path

import pytest
from click.testing import Result

from server.release import batches
from tests.integration.command import Run, answer


@pytest.fixture
def hub(run_with_store: Run, monkeypatch: pytest.MonkeyPatch) -> Run:
    run = run_with_store
    monkeypatch.setattr(batches, "_USUAL", 2)
    for name in ("First", "Second"):
        assert run("partner", "add", name, "--kind", "platform").exit_code == 0
    rows = "".join(f"{name}.example.com\n" for name in "abcdefg")
    assert run("contribute", "-", "--partner", "First", "--kind", "domain", stdin=rows).exit_code == 0
    assert run("contribute", "-", "--partner", "Second", "--kind", "domain", stdin="c.example.com\n").exit_code == 0
    return run


def listed(run: Run) -> str:
    lines: Result = run("export", "--collection", "takedown", "--format", "list")
    return "".join(sorted(line[0] for line in lines.stdout.split()))


def test_values_and_ids_of_a_file_are_retracted_and_those_that_are_none_are_named(hub: Run, tmp_path: Path) -> None:
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
