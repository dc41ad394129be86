"""Operator commands for disputes, signs of coercion, and pending work."""

from pathlib import Path

import pytest

from tests.integration.command import Run, answer

ACCOUNT = "DE89370400440532013000"
WORDS = "the holder showed us the contract"


@pytest.fixture
def hub(run_with_store: Run, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Make a hub with two banks and the police, all of which read the accounts."""
    run = run_with_store
    monkeypatch.setenv("COLUMNS", "200")
    for name, kind, *more in (
        ("First Bank", "bank"),
        ("Second Bank", "bank"),
        ("Police", "government", "--authority", "bank-account"),
    ):
        added = run(
            "partner", "add", name, "--kind", kind, "--vouched", "--country", "th", "--read", "mule-accounts", *more
        )
        assert added.exit_code == 0
    return run


def report(hub: Run, tmp_path: Path, partner: str, **columns: str) -> str:
    """Contribute a report of the account, and return the standard error output."""
    columns = {"value": ACCOUNT, "kind": "bank-account", **columns}
    file = tmp_path / "reports.csv"
    file.write_text(",".join(columns) + "\n" + ",".join(columns.values()) + "\n", encoding="utf-8")
    done = hub("contribute", "reports.csv", "--partner", partner)
    assert done.exit_code == 0
    return done.stderr


def test_dispute_is_one_review_with_all_information(hub: Run, tmp_path: Path) -> None:
    report(hub, tmp_path, "Police", confidence="95")
    listing = answer(hub("lookup", ACCOUNT, "--json"))[0]["listings"][0]["id"]
    (tmp_path / "outcomes.csv").write_text(
        f"record,of,outcome,reason,description\noutcome,{listing},false-positive,holder-verified,{WORDS}\n",
        encoding="utf-8",
    )
    done = answer(hub("contribute", "outcomes.csv", "--partner", "Second Bank", "--record", "outcome", "--json"))
    assert (done["mapped"], done["rejected"]) == (1, {})
    (row,) = answer(hub("review", "list", "--json", "--show-values"))
    assert (row["rule"], row["value"], row["reporter_kinds"]) == ("doubted", ACCOUNT, ["government"])
    assert row["collections"] == ["mule-accounts"]
    (doubt,) = row["doubts"]
    assert (doubt["partner"], doubt["reason"], doubt["words"]) == ("Second Bank", "holder-verified", WORDS)
    shown = hub("review", "show", listing).stdout
    assert WORDS in shown
    assert "standing: yes" in shown
    assert hub("review", "approve", listing, "--note", "the bank is mistaken").exit_code == 0
    assert answer(hub("review", "list", "--json")) == []
    told = answer(hub("outcomes", "--partner", "Second Bank", "--json"))
    assert "overruled" in str(told)


def test_operator_is_warned_without_protection_for_coerced_holders(hub: Run, tmp_path: Path) -> None:
    said = report(hub, tmp_path, "Police", holder_status="coerced")
    assert "focal-point --function protection" in said
    (to_do,) = answer(hub("status", "--json"))["warnings"]
    assert (to_do["warning"], to_do["times"]) == ("no-focal-point", 1)
    assert "focal-point" in hub("status").stdout
    focal_point = ("partner", "focal-point", "--function", "protection", "--contact", "protection@hub.example")
    assert hub(*focal_point).exit_code == 0
    assert answer(hub("status", "--json"))["warnings"] == []
    assert "focal-point" not in report(hub, tmp_path, "First Bank", holder_status="coerced")


def test_operator_is_warned_of_limits_that_name_no_partner(hub: Run, tmp_path: Path) -> None:
    assert "not registered here" not in report(hub, tmp_path, "Police", not_to_partners="First Bank")
    said = report(hub, tmp_path, "Police", not_to_partners="Frist Bank")
    assert "warning: Police names partners in sharing limits or requests that are not registered here" in said
    (to_do,) = answer(hub("status", "--json"))["warnings"]
    assert (to_do["warning"], to_do["partner"], to_do["times"]) == ("unknown-recipient", "Police", 1)
    assert "Police names partners" in hub("status").stdout
    assert "Frist Bank" not in hub("status").stdout
