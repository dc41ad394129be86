"""Reports become STIX with all their fields, and foreign indicators become reports."""

from typing import Any

import pytest
import stix2

from mappers import extension, ids, marking
from mappers.indicator import Profile, to_stix
from mappers.report_reader import from_stix
from schemas.errors import Rejected
from schemas.report import Report
from schemas.tabular import ReportReader
from schemas.vocabulary import Tlp

REPORTED = "2026-11-24T08:00:00.000Z"


def report(value: str, **columns: str) -> Report:
    return ReportReader({"reporter": "Example Bank", "reported_at": REPORTED, **columns}).report({"value": value})


def foreign(**properties: Any) -> dict[str, Any]:
    return {
        "type": "indicator",
        "spec_version": "2.1",
        "id": "indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f",
        "created_by_ref": "identity--f431f809-377b-45e0-aa1c-6a4751cae5ff",
        "created": REPORTED,
        "modified": REPORTED,
        "pattern": "[ domain-name:value = 'Bad.Example.COM' ]",
        "pattern_type": "stix",
        "valid_from": "2026-11-01T00:00:00Z",
        **properties,
    }


def test_a_report_becomes_observable_indicator_and_relationship() -> None:
    observable, indicator, relationship = to_stix(report("bad.example.com", kind="domain"))
    assert (observable["type"], observable["value"]) == ("domain-name", "bad.example.com")
    assert indicator["pattern"] == "[domain-name:value = 'bad.example.com']"
    assert (relationship["source_ref"], relationship["target_ref"]) == (indicator["id"], observable["id"])
    assert relationship["relationship_type"] == "based-on"


def test_the_same_report_gives_the_same_objects() -> None:
    assert to_stix(report("bad.example.com", kind="domain")) == to_stix(report("BAD[.]example.com.", kind="domain"))


def test_partners_share_the_observable_and_not_the_indicator() -> None:
    ours = to_stix(report("bad.example.com", kind="domain"))
    theirs = to_stix(report("bad.example.com", kind="domain", reporter="Other Bank", tlp="red"))
    assert ours[0] == theirs[0]
    assert ours[1]["id"] != theirs[1]["id"]


def test_account_number_alone_is_never_an_account_id() -> None:
    same_number = [
        to_stix(report(f"TH:{bank}:1234567890", kind="bank-account"))[0] for bank in ("KASITHBK", "SICOTHBK")
    ]
    assert same_number[0]["id"] != same_number[1]["id"]
    assert all("account_number" in normal and "bic" in normal for normal in same_number)
    assert same_number[0]["id"] != "bank-account--" + ids.in_oasis({"account_number": "1234567890"})


def test_an_iban_account_has_no_account_number() -> None:
    account = to_stix(report("GB33BUKB20201555555555", kind="bank-account"))[0]
    assert account["id"] == "bank-account--0ffc7644-b03a-5c13-94aa-22816e581fc9"
    assert "account_number" not in account


def test_opencti_accepts_our_accounts() -> None:
    observable, indicator, _ = to_stix(report("TH:KASITHBK:1234567890", kind="bank-account"), Profile.OPENCTI)
    assert (observable["type"], observable["user_id"]) == ("user-account", "TH:KASITHBK:1234567890")
    assert "user-account:account_type = 'bank-account'" in indicator["pattern"]
    assert "extensions" not in observable


def test_empty_fields_of_a_report_are_omitted() -> None:
    indicator = to_stix(report("bad.example.com", kind="domain"))[1]
    assert "confidence" not in indicator
    assert indicator["extensions"][extension.ID].keys() == {"extension_type", "kind", "scam_category", "scam_type"}


def test_labels_show_the_context_for_clients_without_extensions() -> None:
    columns = {"scam_type": "investment", "channel": "ad", "action": "warn", "countries": "TH"}
    assert to_stix(report("bad.example.com", kind="domain", **columns))[1]["labels"] == [
        "scam",
        'scam:type="investment"',
        'scam:category="products-services"',
        'scam:kind="domain"',
        'scam:channel="ad"',
        'scam:action="warn"',
        'scam:country="TH"',
    ]


def test_a_foreign_indicator_becomes_a_report() -> None:
    read = from_stix(foreign(confidence=70))
    assert (read.kind, read.value, read.confidence) == ("domain", "bad.example.com", 70)
    assert read.reporter == "identity--f431f809-377b-45e0-aa1c-6a4751cae5ff"
    assert read.tlp is Tlp.AMBER
    assert read.first_seen is not None


def test_reporter_has_its_name_if_known() -> None:
    assert from_stix(foreign(), {"identity--f431f809-377b-45e0-aa1c-6a4751cae5ff": "A Peer"}).reporter == "A Peer"


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        ({"type": "malware"}, "not-an-indicator"),
        ({"pattern_type": "yara"}, "not-an-indicator"),
        ({"pattern": "[file:hashes.MD5 = 'd41d8cd98f00b204e9800998ecf8427e']"}, "not-a-kind"),
        ({"pattern": "[domain-name:value LIKE 'bad%']"}, "pattern-not-comparable"),
        ({"pattern": "[domain-name:value = 'co.th']"}, "public-suffix"),
        ({"modified": "yesterday"}, "indicator-form"),
        ({"modified": None}, "indicator-form"),
        ({"valid_until": "2020-01-01T00:00:00Z"}, "ends-before-it-starts"),
    ],
)
def test_indicator_without_a_report_is_refused_with_its_reason(properties: dict[str, Any], reason: str) -> None:
    with pytest.raises(Rejected) as refusal:
        from_stix(foreign(**properties))
    assert refusal.value.reason == reason


def test_stix2_accepts_every_object() -> None:
    for obj in to_stix(report("bad.example.com", kind="domain", confidence="50")):
        assert stix2.parse(obj, allow_custom=False)["id"] == obj["id"]


def test_the_narrowest_of_several_markings_counts() -> None:
    refs = [marking.ref(Tlp.GREEN), "marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed"]
    assert marking.tlp_of({"object_marking_refs": refs}) is Tlp.RED
    assert marking.tlp_of({}) is None


@pytest.mark.parametrize("tlp", list(Tlp))
def test_our_markings_are_tlp_2_as_published(tlp: Tlp) -> None:
    definition = marking.definition(tlp)
    assert stix2.parse(definition, allow_custom=False)["name"] == f"TLP:{tlp.value.upper()}"
    assert marking.tlp_of({"object_marking_refs": [definition["id"]]}) is tlp
