"""``scamfeed policy trial``, ``propose`` and ``history``, and ``scamfeed allowlist`` as operators use them."""

from pathlib import Path

import pytest

from tests.integration.command import Run, answer

STRICT = '[[rule]]\ncollection = "takedown"\nkinds = ["domain"]\nleast_reporters = 2\n'


@pytest.fixture
def hub(run_with_store: Run, tmp_path: Path) -> Run:
    """Make a hub where one bank has reported one shop."""
    assert run_with_store("partner", "add", "First Bank", "--kind", "bank").exit_code == 0
    reports = tmp_path / "shops.csv"
    reports.write_text("value,scam_type\nshop.example.com,merchandise\n")
    done = run_with_store("contribute", str(reports), "--partner", "First Bank", "--kind", "domain", "--tlp", "green")
    assert done.exit_code == 0, done.output
    return run_with_store


def test_rules_are_tried_proposed_confirmed_and_recorded(hub: Run, tmp_path: Path) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text(STRICT)
    tried = answer(hub("policy", "trial", str(rules), "--json"))
    assert (tried["values"], tried["changed"], tried["before"], tried["after"]) == (1, 1, {"takedown": 1}, {})
    assert tried["examples"][0]["value"] == "shop.example.com"
    assert "shop.example.com" in hub("policy", "trial", str(rules)).stdout
    proposed = answer(hub("policy", "propose", str(rules), "--by", "Anong", "--note", "fewer mistakes", "--json"))
    assert "+least_reporters = 2" in proposed["effects"]
    assert hub("proposal", "confirm", proposed["id"], "--by", "Anong").exit_code == 2
    assert hub("proposal", "confirm", proposed["id"], "--by", "Boon").exit_code == 0
    shown = answer(hub("policy", "show", "--json"))
    assert (shown["source"], shown["rule"][0]["least_reporters"]) == ("decided", 2)
    assert "two persons" in hub("policy", "show").stdout
    [entry] = answer(hub("policy", "history", "--json"))
    assert (entry["proposed_by"], entry["confirmed_by"], entry["note"]) == ("Anong", "Boon", "fewer mistakes")
    assert "Anong" in hub("policy", "history").stdout


def test_malformed_policy_file_is_named(hub: Run, tmp_path: Path) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text("[[rule")
    for command in ("trial", "propose"):
        refused = hub("policy", command, str(rules))
        assert refused.exit_code == 2
        assert "not TOML" in refused.stderr
    assert hub("policy", "trial", str(tmp_path / "missing.toml")).exit_code == 2


def test_values_are_entered_tested_listed_and_removed(hub: Run) -> None:
    entered = answer(
        hub("allowlist", "add", "mill.example.com", "--reason", "ours", "--days", "30", "--below", "--json")
    )
    assert (entered["kind"], entered["value"], entered["below"]) == ("domain", "mill.example.com", True)
    [held] = answer(hub("allowlist", "test", "https://a.mill.example.com/pay", "--json"))
    assert held["rule"] == "operator-entries"
    [row] = answer(hub("allowlist", "list", "--json"))
    assert row["until"] > row["added"]
    assert hub("allowlist", "remove", "mill.example.com").exit_code == 0
    assert hub("allowlist", "remove", "mill.example.com").exit_code == 2
    [free] = answer(hub("allowlist", "test", "mill.example.com", "--json"))
    assert free["rule"] is None
