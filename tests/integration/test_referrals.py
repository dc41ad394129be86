"""Operators are warned before the first coerced listing without a support contact, and referrals are stored."""

import json
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from stix2validator import ValidationOptions, validate_parsed_json
from typer.testing import CliRunner

from mappers import extension
from schemas.json_schema import extension_schema
from server.cli.program import app
from server.store import Store, collections, log
from server.store.objects.query import Query

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


def test_warning_of_an_unprotected_holder_is_only_shown_when_true(hub: Hub, tmp_path: Path) -> None:
    hub("init")
    hub("partner", "add", "Ministry", "--kind", "government", "--country", "TH", "--authority", "bank-account")
    hub("partner", "add", "First Bank", "--kind", "bank", "--country", "TH", "--read", "mule-accounts")
    sent = ["contribute", "account.csv", "--kind", "bank-account", "--partner", "Ministry", "--tlp", "amber"]
    focal_point = ["partner", "focal-point", "Ministry", "--function", "protection"]

    def warnings() -> list[str]:
        return [row["warning"] for row in hub("status")["warnings"]]

    (tmp_path / "account.csv").write_text(ACCOUNT)
    assert "without a contact for their protection" in CliRunner().invoke(app, sent).output
    assert warnings() == ["no-focal-point"]
    assert CliRunner().invoke(app, [*focal_point, "--contact", "help@gov.example"]).exit_code == 0
    assert warnings() == []
    # The report names no country. The account's own country determines the ministry.
    (tmp_path / "account.csv").write_text(ACCOUNT.replace("56789-0", "56789-1"))
    assert "without a contact for their protection" not in CliRunner().invoke(app, sent).output
    assert warnings() == []


def test_coerced_holder_is_referred_and_the_response_stored(hub: Hub, tmp_path: Path) -> None:
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


def notes(partner: str) -> list[Any]:
    """Return the referral notes that a partner reads."""
    with closing(Store.open("sqlite:///scamfeed.db")) as store, store.read() as tx:
        own = [found for found in collections.all_collections(tx) if (found.use, found.owner) == ("requests", partner)]
        bodies = [json.loads(body) for found in own for body in log.page(tx, found, Query()).bodies]
    contexts = [body["extensions"][extension.ID] for body in bodies if body["type"] == "note"]
    for context in contexts:
        Draft202012Validator(extension_schema()).validate(context)
    # The listing is in another collection, so references are not followed.
    options = ValidationOptions(strict=True, disabled="103,202,244", strict_properties=True, version="2.1")
    for body in bodies:
        result = validate_parsed_json(body, options)
        assert result.is_valid, [str(error) for error in result.errors]
    return [context["referred"] for context in contexts]


def test_only_the_parties_read_the_referral(hub: Hub, tmp_path: Path) -> None:
    hub("init")
    hub("partner", "add", "Police", "--kind", "government", "--country", "TH", "--authority", "bank-account")
    hub("partner", "add", "First Bank", "--kind", "bank", "--country", "TH", "--read", "mule-accounts")
    hub("partner", "add", "Second Bank", "--kind", "bank", "--country", "TH", "--read", "mule-accounts")
    (tmp_path / "account.csv").write_text(ACCOUNT)
    sent = ["contribute", "account.csv", "--kind", "bank-account", "--partner", "Police", "--tlp", "amber"]
    assert CliRunner().invoke(app, sent).exit_code == 0
    focal_point = ["partner", "focal-point", "Police", "--function", "protection", "--contact", "help@police.example"]
    assert CliRunner().invoke(app, focal_point).exit_code == 0
    (made,) = hub("referral", "add", "TH:KASITHBK:1234567890", "--to", "Police", "--partner", "First Bank")
    hub("referral", "answer", made["id"], "--answer", "in-contact")
    for reader, role in (("First Bank", "referrer"), ("Police", "focal-point")):
        said = notes(reader)[-1]
        assert (said["id"], said["role"], said["answer"]) == (made["id"], role, "in-contact")
    # The police do not read the accounts, and so learn no listing id.
    assert notes("First Bank")[-1]["listing"] == made["listing"]
    assert "listing" not in notes("Police")[-1]
    assert notes("Second Bank") == []
    listed = ["referral", "list", "--all", "--csv", "--partner"]
    header, row = CliRunner().invoke(app, [*listed, "Police"]).stdout.splitlines()
    assert header == "id,listing,to,partner,referred,answer,answered"
    assert row.startswith(f"{made['id']},{made['listing']},Police,First Bank,")
    assert CliRunner().invoke(app, [*listed, "Second Bank"]).stdout.splitlines() == [header]


def test_only_a_coerced_listing_can_be_referred(hub: Hub) -> None:
    hub("init")
    focal_point = ["partner", "focal-point", "--function", "protection", "--contact", "https://hub.example.org/help"]
    assert CliRunner().invoke(app, focal_point).exit_code == 0
    assert "no listing" in hub("referral", "add", "shop.example.com", "--to", "hub", status=2)
