"""``scamfeed account``, and what other commands show of keepers, as an operator uses them."""

from pathlib import Path

import pytest
from click.testing import Result

from tests.integration.command import Run, answer

VALUE = "TH:KASITHBK:4567890123"


@pytest.fixture
def hub(run_with_store: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Make a hub on which a bank's account is reported before that bank's institution is registered."""
    monkeypatch.setenv("COLUMNS", "200")
    run = run_with_store
    for name, kind in (("Bank A", "bank"), ("Bank B", "bank"), ("Police", "government")):
        more = ("--authority", "bank-account") if kind == "government" else ()
        assert run("partner", "add", name, "--kind", kind, *more).exit_code == 0
    (tmp_path / "reports.csv").write_text("account_number,bank,country\n4567890123,KBANK,TH\n")
    assert _contribute(run, "Bank A").exit_code == 0
    answer(run("partner", "set", "Bank B", "--institution", "TH:004", "--json"))
    return run


def _contribute(run: Run, partner: str) -> Result:
    return run("contribute", "reports.csv", "--partner", partner, "--kind", "bank-account", "--tlp", "amber")


def test_what_waits_is_listed_and_answered(hub: Run) -> None:
    [waiting] = answer(hub("account", "list", "--json"))
    assert (waiting["keeper"], waiting["value"], waiting["late"], waiting["code"]) == ("Bank B", VALUE, False, None)
    assert answer(hub("status", "--json"))["answers"]["open"] == 1
    assert VALUE not in hub("account", "list", "--hide-values").stdout
    done = answer(hub("account", "answer", VALUE, "--code", "genuine", "--by", "Anna", "--json"))
    assert (done["keeper"], done["code"], done["by"]) == ("Bank B", "genuine", "Anna")
    assert answer(hub("account", "list", "--json")) == []
    [shown] = answer(hub("account", "list", "--all", "--partner", "Bank B", "--json"))
    assert (shown["code"], shown["listing"]) == ("genuine", waiting["listing"])
    [counts] = answer(hub("receipts", "--json"))["answers"]["keepers"]
    assert (counts["keeper"], counts["open"], counts["answered"], counts["in_time"]) == ("Bank B", 0, 1, 1)
    told = answer(hub("outcomes", "--partner", "Bank A", "--json"))["outcomes"]
    assert [(row["event"], row.get("code")) for row in told][-1] == ("qualified", "genuine")


def test_what_nobody_keeps_or_reports_is_refused(hub: Run) -> None:
    assert "is waited for" in hub("account", "answer", "TH:SICOTHBK:1234567890", "--code", "fraud").stderr
    refused = hub("account", "answer", VALUE, "--code", "fraud", "--partner", "Bank A")
    assert refused.exit_code == 2
    assert "nothing that you keep" in refused.stderr


def test_a_contradiction_is_proposed_by_one_and_confirmed_by_another(hub: Run) -> None:
    answer(hub("account", "answer", VALUE, "--code", "genuine", "--json"))
    assert _contribute(hub, "Police").exit_code == 0
    [review] = answer(hub("review", "list", "--rule", "keeper-contradicted", "--json"))
    [proposed] = answer(hub("review", "approve", review["id"], "--by", "Anna", "--json"))
    assert proposed["state"] == "open"
    assert hub("proposal", "confirm", proposed["proposal"], "--by", "anna").exit_code == 2
    assert answer(hub("proposal", "confirm", proposed["proposal"], "--by", "Boris", "--json"))["state"] == "confirmed"
    assert answer(hub("review", "list", "--json")) == []


def test_a_file_of_answers_is_a_record_like_others(hub: Run, tmp_path: Path) -> None:
    (tmp_path / "answers.csv").write_text(f"value,kind,code\n{VALUE},bank-account,closed\n")
    done = answer(hub("contribute", "answers.csv", "--partner", "Bank B", "--record", "qualification", "--json"))
    assert done["mapped"] == 1
    [shown] = answer(hub("account", "list", "--all", "--json"))
    assert shown["code"] == "closed"
    assert shown["left"]


def test_a_keeper_that_leaves_owes_nothing_and_hears_again_when_it_is_back(hub: Run) -> None:
    assert hub("partner", "remove", "Bank B").exit_code == 0
    assert answer(hub("account", "list", "--json")) == []
    assert hub("partner", "restore", "Bank B").exit_code == 0
    assert len(answer(hub("account", "list", "--json"))) == 1
