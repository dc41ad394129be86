"""Reports as MISP attributes, objects and events, with their reporter and sharing level."""

import pytest

from mappers import ids, kinds as mappers_by_kind, misp
from mappers.indicator import Profile, to_stix
from mappers.kind import MispTerms
from schemas import kinds
from schemas.kind import Normal
from schemas.report import Report
from schemas.tabular import ReportReader

REPORTED = "2026-01-15T08:00:00Z"


def report(kind: str, value: str, **columns: str) -> Report:
    return ReportReader({"reporter": "Example Bank", "reported_at": REPORTED, **columns}).report(
        {"kind": kind, "value": value}
    )


def terms(kind: str, value: str, **details: str) -> MispTerms | None:
    normal = kinds.get(kind).normalise(value, details)
    return mappers_by_kind.every()[kind].misp(normal)


@pytest.mark.parametrize(
    ("kind", "value", "type_"),
    [
        ("domain", "a.example.com", "domain"),
        ("url", "https://a.example.com/x", "url"),
        ("ip", "192.0.2.1", "ip-dst"),
        ("ip", "2001:db8::1", "ip-dst"),
        ("email", "a@example.com", "email-src"),
        ("phone", "+442083661177", "phone-number"),
        ("bank-account", "GB33BUKB20201555555555", "iban"),
        ("wallet", "1BgGZ9tcN4rm9KBzDn7KprQz87SZ26SAMH", "btc"),
    ],
)
def test_a_value_that_one_attribute_identifies_is_one_attribute(kind: str, value: str, type_: str) -> None:
    found = terms(kind, value)
    assert found is not None
    assert [
        (attribute.type, attribute.value, attribute.relation, attribute.to_ids) for attribute in found.attributes
    ] == [(type_, value, None, True)]
    assert found.template is None


@pytest.mark.parametrize(
    ("kind", "value", "template", "attributes"),
    [
        (
            "bank-account",
            "TH:KASITHBK:1234567890",
            "bank-account",
            [("account", "bank-account-nr", "1234567890", True), ("swift", "bic", "KASITHBK", False)],
        ),
        (
            "payment-alias",
            "promptpay:+66812345678",
            "user-account",
            [("account-type", "text", "promptpay", False), ("user-id", "text", "+66812345678", True)],
        ),
        (
            "social-account",
            "telegram:somebody",
            "user-account",
            [("account-type", "text", "telegram", False), ("username", "text", "somebody", True)],
        ),
        (
            "app",
            "android:com.example.app",
            "android-app",
            [("appid", "text", "com.example.app", True), ("name", "text", "com.example.app", False)],
        ),
    ],
)
def test_a_value_that_needs_several_attributes_is_an_object(
    kind: str, value: str, template: str, attributes: list[tuple[str, str, str, bool]]
) -> None:
    found = terms(kind, value)
    assert found is not None
    assert found.template is not None
    assert found.template.name == template
    assert [
        (attribute.relation, attribute.type, attribute.value, attribute.to_ids) for attribute in found.attributes
    ] == attributes


def test_wallet_of_a_chain_without_a_type_includes_its_chain() -> None:
    found = terms("wallet", "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed", chain="ethereum")
    assert found is not None
    assert [(attribute.relation, attribute.value, attribute.to_ids) for attribute in found.attributes] == [
        ("address-crypto", "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed", True),
        ("symbol", "ethereum", False),
    ]


def test_an_account_number_with_letters_which_misp_refuses_is_a_user_account() -> None:
    found = mappers_by_kind.every()["bank-account"].misp(Normal("TH:KASITHBK:AB123456"))
    assert found is not None
    assert found.template is not None
    assert found.template.name == "user-account"
    assert [attribute.value for attribute in found.attributes] == ["bank-account", "TH:KASITHBK:AB123456"]


def test_an_app_of_a_system_without_misp_type_is_left_out() -> None:
    app = report("app", "ios:com.example.app")
    assert misp.has_type(app) is False
    assert misp.to_misp(app) is None


def test_event_belongs_to_its_reporter_and_has_its_level() -> None:
    first = report("domain", "a.example.com", tlp="green")
    later = report("bank-account", "TH:KASITHBK:1234567890", tlp="green", reported_at="2026-01-16T08:00:00Z")
    event = misp.event([first, later], "Scam indicators")["Event"]
    assert event["Orgc"] == {"name": "Example Bank", "uuid": ids.identity("Example Bank").partition("--")[2]}
    assert event["Tag"] == [{"name": "tlp:green"}]
    assert (event["date"], event["timestamp"]) == ("2026-01-16", str(int(later.reported_at.timestamp())))
    assert [entry["value"] for entry in event["Attribute"]] == ["a.example.com"]
    assert [entry["name"] for entry in event["Object"]] == ["bank-account"]


def test_an_event_keeps_its_name_and_other_levels_have_others() -> None:
    first = report("domain", "a.example.com")
    uuid = misp.event([first], "x")["Event"]["uuid"]
    assert misp.event([first, report("domain", "b.example.com")], "y")["Event"]["uuid"] == uuid
    assert misp.event([first.model_copy(update={"tlp": "red"})], "x")["Event"]["uuid"] != uuid


def test_a_revoked_report_is_deleted_under_the_same_uuid() -> None:
    event = misp.event([report("domain", "a.example.com")], "x", revoked=[report("domain", "b.example.com")])["Event"]
    kept, gone = event["Attribute"]
    assert "deleted" not in kept
    assert gone["deleted"] is True
    assert gone["uuid"] == to_stix(report("domain", "b.example.com"), Profile.CORE)[0]["id"].partition("--")[2]


def test_revoked_object_is_deleted_with_its_attributes() -> None:
    spelled = misp.to_misp(report("bank-account", "TH:KASITHBK:1234567890"), revoked=True)
    assert spelled is not None
    assert [part["deleted"] for part in (spelled.body, *spelled.body["Attribute"])] == [True, True, True]


def test_times_are_written_in_misp_form() -> None:
    spelled = misp.to_misp(report("domain", "a.example.com", first_seen="2026-01-01", last_seen="2026-01-02T00:00:00Z"))
    assert spelled is not None
    assert spelled.body["first_seen"] == "2026-01-01T00:00:00.000+00:00"
    assert spelled.body["last_seen"] == "2026-01-02T00:00:00.000+00:00"
