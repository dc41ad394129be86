"""The operator knows before the first coerced listing that nobody could be turned to, and keeps who was referred."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from server.cli.program import app

ACCOUNT = "account_number,bank,country,holder_status\n123-4-56789-0,KBANK,TH,coerced\n"
Hub = Callable[..., Any]


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hub:
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str, status: int = 0) -> Any:
        result = CliRunner().invoke(app, [*arguments, "--json"])
        assert result.exit_code == status, result.output
        return json.loads(result.stdout) if status == 0 else result.stderr

    return run


def test_the_operator_is_warned_before_the_first_coerced_listing(hub: Hub) -> None:
    (to_do,) = hub("init")["to_do"]
    assert "focal-point" in to_do
    assert hub("status")["protection"] == {"focal_point": False, "referrals_open": 0, "oldest_hours": None}
    assert "no focal point for protection" in CliRunner().invoke(app, ["status"]).stdout
    hub("partner", "add", "Ministry", "--kind", "government", "--country", "TH")
    focal_point = ["partner", "focal-point", "Ministry", "--function", "protection", "--contact", "help@gov.example"]
    assert CliRunner().invoke(app, focal_point).exit_code == 0
    assert "to_do" not in hub("init")
    assert hub("status")["protection"]["focal_point"]


def test_a_coerced_holder_is_referred_and_the_answer_kept(hub: Hub, tmp_path: Path) -> None:
    hub("init")
    hub("partner", "add", "Police", "--kind", "government", "--country", "TH", "--authority", "bank-account")
    hub("partner", "add", "First Bank", "--kind", "bank", "--country", "TH", "--read", "mule-accounts")
    (tmp_path / "account.csv").write_text(ACCOUNT)
    sent = ["contribute", "account.csv", "--kind", "bank-account", "--partner", "Police", "--tlp", "amber"]
    assert CliRunner().invoke(app, sent).exit_code == 0
    value = "TH:KASITHBK:1234567890"
    assert "no focal point" in hub("referral", "add", value, "--to", "Police", status=2)
    focal_point = ["partner", "focal-point", "--function", "protection", "--contact", "https://hub.example.org/help"]
    assert CliRunner().invoke(app, focal_point).exit_code == 0
    (made,) = hub("referral", "add", value, "--to", "hub", "--partner", "Police", "--by", "Anong")
    assert hub("status")["protection"]["referrals_open"] == 1
    assert [row["id"] for row in hub("referral", "list")] == [made["id"]]
    (answered,) = hub("referral", "answer", made["id"], "--answer", "in-contact", "--by", "Boon")
    assert (answered["answer"], answered["listing"]) == ("in-contact", made["listing"])
    assert hub("referral", "list") == []
    assert "1234567890" not in str(hub("referral", "list", "--all"))


def test_a_value_that_is_not_listed_as_coerced_cannot_be_referred(hub: Hub) -> None:
    hub("init")
    focal_point = ["partner", "focal-point", "--function", "protection", "--contact", "https://hub.example.org/help"]
    assert CliRunner().invoke(app, focal_point).exit_code == 0
    assert "no listing" in hub("referral", "add", "shop.example.com", "--to", "hub", status=2)
