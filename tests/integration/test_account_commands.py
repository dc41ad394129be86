"""``scamfeed account`` and the views of providers in other commands, as an operator uses them."""

from pathlib import Path

import pytest
from click.testing import Result

from tests.integration.command import Run, answer

VALUE = "TH:KASITHBK:4567890123"


@pytest.fixture
def hub(run_with_store: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Make a hub with a reported account whose bank is registered only after the report."""
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


def test_pending_questions_are_listed_and_answered(hub: Run) -> None:
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


def test_value_without_provider_or_report_is_refused(hub: Run) -> None:
    assert (
        "it waits for no provider's finding"
        in hub("account", "answer", "TH:SICOTHBK:1234567890", "--code", "fraud").stderr
    )
    refused = hub("account", "answer", VALUE, "--code", "fraud", "--partner", "Bank A")
    assert refused.exit_code == 2
    assert "no value of which you are the provider" in refused.stderr


def test_contradiction_needs_a_proposal_and_a_confirmation(hub: Run) -> None:
    answer(hub("account", "answer", VALUE, "--code", "genuine", "--json"))
    assert _contribute(hub, "Police").exit_code == 0
    [review] = answer(hub("review", "list", "--rule", "keeper-contradicted", "--json"))
    [proposed] = answer(hub("review", "approve", review["id"], "--by", "Anna", "--json"))
    assert proposed["state"] == "open"
    assert hub("proposal", "confirm", proposed["proposal"], "--by", "anna").exit_code == 2
    assert answer(hub("proposal", "confirm", proposed["proposal"], "--by", "Boris", "--json"))["state"] == "confirmed"
    assert answer(hub("review", "list", "--json")) == []


def test_file_of_findings_is_contributed_like_other_records(hub: Run, tmp_path: Path) -> None:
    (tmp_path / "answers.csv").write_text(f"value,kind,code\n{VALUE},bank-account,closed\n")
    done = answer(hub("contribute", "answers.csv", "--partner", "Bank B", "--record", "qualification", "--json"))
    assert done["mapped"] == 1
    [shown] = answer(hub("account", "list", "--all", "--json"))
    assert shown["code"] == "closed"
    assert shown["left"]


def test_former_provider_owes_no_finding_and_is_notified_after_its_return(hub: Run) -> None:
    assert hub("partner", "remove", "Bank B").exit_code == 0
    assert answer(hub("account", "list", "--json")) == []
    assert hub("partner", "restore", "Bank B").exit_code == 0
    assert len(answer(hub("account", "list", "--json"))) == 1


def test_facts_are_shown_and_the_reporters_are_asked(hub: Run) -> None:
    shown = answer(hub("account", "show", VALUE, "--json"))
    assert (shown["keeper"], shown["reporters"], shown["questions"]) == ("Bank B", 1, [])
    asked = answer(hub("account", "ask", VALUE, "--kind", "payment", "--deadline", "2d", "--by", "Anna", "--json"))
    [open_] = answer(hub("question", "list", "--partner", "Bank A", "--json"))
    assert (open_["id"], open_["due"]) == (asked["id"], asked["due"])
    refused = hub("question", "answer", asked["id"], "--partner", "Bank A", "--text", "see bank.example.com")
    assert refused.exit_code == 2
    assert "link" in refused.stderr
    done = hub("question", "answer", asked["id"], "--partner", "Bank A", "--text", "Two of them", "--json")
    assert answer(done)["question"] == asked["id"]
    [question] = answer(hub("account", "show", VALUE, "--json"))["questions"]
    assert [one["text"] for one in question["answers"]] == ["Two of them"]
    assert hub("account", "ask", VALUE, "--kind", "payment", "--deadline", "30d").exit_code == 2
    assert hub("account", "show", "TH:SICOTHBK:1234567890").exit_code == 2
