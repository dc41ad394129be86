"""Social accounts and apps in STIX by one identifier, and other producers' spellings."""

import pytest

from mappers import kinds as mappers_by_kind, pattern
from mappers.indicator import to_stix
from mappers.report_reader import from_stix
from schemas.errors import Rejected
from schemas.report import Report
from schemas.tabular import ReportReader

REPORTED = "2026-11-24T08:00:00.000Z"


def report(kind: str, value: str, **columns: str) -> Report:
    return ReportReader({"reporter": "Example Bank", "reported_at": REPORTED, "kind": kind, **columns}).report(
        {"value": value}
    )


def read(spelled: str) -> str:
    indicator = {
        "type": "indicator",
        "pattern_type": "stix",
        "pattern": spelled,
        "modified": REPORTED,
        "valid_from": "2026-11-01T00:00:00Z",
    }
    return from_stix(indicator).value


def test_a_handle_is_a_login() -> None:
    observable, indicator, _ = to_stix(report("social-account", "https://t.me/Example_Name"))
    assert (observable["type"], observable["account_type"]) == ("user-account", "telegram")
    assert observable["account_login"] == "example_name"
    assert "user_id" not in observable
    assert indicator["pattern"] == (
        "[user-account:account_type = 'telegram' AND user-account:account_login = 'example_name']"
    )
    assert indicator["extensions"]["extension-definition--ea279b3e-5c71-4632-ac08-831c66a786ba"][
        "main_observable_type"
    ] == ("User-Account")


def test_number_of_a_platform_is_an_id() -> None:
    observable = to_stix(report("social-account", "https://facebook.com/profile.php?id=100000000000001"))[0]
    assert observable["user_id"] == "100000000000001"
    assert "account_login" not in observable


def test_account_type_follows_the_specification_if_defined() -> None:
    assert to_stix(report("social-account", "https://x.com/example"))[0]["account_type"] == "twitter"


def test_observable_id_follows_from_type_and_handle() -> None:
    theirs = "user-account--a18d4d83-8012-53ff-bcaa-7de8343e63a3"
    assert to_stix(report("social-account", "https://t.me/scam_agent"))[0]["id"] == theirs


@pytest.mark.parametrize(
    ("spelled", "value"),
    [
        ("[user-account:account_type = 'Twitter' AND user-account:account_login = '@Example']", "twitter:example"),
        ("[user-account:account_login = 'example' AND user-account:account_type = 'x']", "twitter:example"),
        ("[user-account:account_type = 'telegram' AND user-account:user_id = '1234567890']", "telegram:id=1234567890"),
        ("[user-account:account_type = 'whatsapp' AND user-account:user_id = '66812345678']", "whatsapp:+66812345678"),
        (
            "[user-account:account_type = 'telegram' AND user-account:user_id = '1234567890' AND "
            "user-account:display_name = 'Example' AND user-account:account_login = 'Example_Name']",
            "telegram:example_name",
        ),
        ("[software:name = 'android:com.example.bank']", "android:com.example.bank"),
    ],
)
def test_spelling_of_another_producer_is_understood(spelled: str, value: str) -> None:
    assert read(spelled) == value


@pytest.mark.parametrize(
    ("spelled", "reason"),
    [
        ("[user-account:account_type = 'unix' AND user-account:account_login = 'root']", "not-a-kind"),
        ("[user-account:account_login = 'example']", "not-a-kind"),
        ("[user-account:account_type = 'twitter']", "not-a-kind"),
        ("[software:name = 'Word']", "not-a-kind"),
        ("[software:name = 'Example: Word']", "not-a-kind"),
        ("[software:name = 'android:com.example.bank' AND software:vendor = 'x']", "not-a-kind"),
        ("[app:id = 'com.example.bank']", "os-missing"),
    ],
)
def test_incomparable_account_or_app_is_refused(spelled: str, reason: str) -> None:
    with pytest.raises(Rejected) as caught:
        read(spelled)
    assert caught.value.reason == reason


def test_payment_systems_and_banks_keep_their_user_accounts() -> None:
    for account_type, kind in (("promptpay", "payment-alias"), ("bank-account", "bank-account")):
        terms = pattern.Terms("user-account", {"account_type": account_type, "user_id": "TH:KASITHBK:1234567890"})
        assert mappers_by_kind.read(terms)[0].kind == kind


def test_a_package_and_a_bundle_are_two_observables() -> None:
    android, ios = (to_stix(report("app", "com.example.bank", os=os))[0] for os in ("android", "ios"))
    assert (android["type"], android["name"]) == ("software", "android:com.example.bank")
    assert android["id"] != ios["id"]
