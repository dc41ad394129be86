"""Foreign indicators give a report for each of their values, and are published only for exactly those values."""

from typing import Any

import pytest

from mappers import extension
from mappers.indicator import OPENCTI, Profile, to_stix
from mappers.report_reader import all_from_stix, from_stix
from schemas.errors import Rejected
from schemas.report import Report
from schemas.tabular import ReportReader
from schemas.vocabulary import Tlp

REPORTED = "2026-11-24T08:00:00.000Z"


def indicator(pattern: str, **properties: Any) -> dict[str, Any]:
    return {
        "type": "indicator",
        "spec_version": "2.1",
        "id": "indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f",
        "created": REPORTED,
        "modified": REPORTED,
        "pattern": pattern,
        "pattern_type": "stix",
        "valid_from": "2026-11-01T00:00:00Z",
        **properties,
    }


def values_of(pattern: str) -> list[tuple[str, str]]:
    """Return the kind and value of each report, and the reasons of the others."""
    return [
        (outcome.kind, outcome.value) if isinstance(outcome, Report) else ("", outcome.reason)
        for outcome in all_from_stix(indicator(pattern))
    ]


A, B = ("domain", "a.example.com"), ("domain", "b.example.com")


@pytest.mark.parametrize(
    ("pattern", "values"),
    [
        ("[domain-name:value = 'a.example.com' OR domain-name:value = 'b.example.com']", [A, B]),
        ("[domain-name:value IN ('a.example.com', 'b.example.com')]", [A, B]),
        ("[domain-name:value = 'a.example.com'] OR [domain-name:value = 'b.example.com']", [A, B]),
        ("[domain-name:value = 'A.example.com' OR hostname:value = 'a.example.com.']", [A]),
        ("[domain-name:value LIKE '%.a.example.com']", [A]),
        ("[domain-name:value LIKE 'a.example.com']", [A]),
        ("[domain-name:value = 'a.example.com' OR domain-name:value LIKE 'b%']", [A, ("", "pattern-not-comparable")]),
        ("[domain-name:value = 'a.example.com' OR file:name = 'x']", [A, ("", "not-a-kind")]),
        ("[domain-name:value = 'a.example.com' OR domain-name:value = 'co.th']", [A, ("", "public-suffix")]),
        (
            "[domain-name:value = 'a.example.com' AND url:value = 'http://a.example.com/']",
            [("", "pattern-not-comparable")],
        ),
        (
            "[domain-name:value = 'a.example.com' AND domain-name:value = 'b.example.com']",
            [("", "pattern-not-comparable")],
        ),
        ("[domain-name:value LIKE '%a.example.com']", [("", "pattern-not-comparable")]),
        ("[domain-name:value LIKE '%.a_b.example.com']", [("", "pattern-not-comparable")]),
        ("[domain-name:value LIKE '%']", [("", "pattern-not-comparable")]),
        ("[domain-name:value LIKE '%.']", [("", "domain-form")]),
        ("[url:value LIKE 'http://a.example.com/%']", [("", "pattern-not-comparable")]),
        ("[email-addr:value LIKE '%.example.com']", [("", "pattern-not-comparable")]),
        ("[domain-name:value MATCHES 'a.example.com']", [("", "pattern-not-comparable")]),
        ("[domain-name:value != 'a.example.com']", [("", "pattern-not-comparable")]),
        (
            "[domain-name:value = 'a.example.com'] AND [domain-name:value = 'b.example.com']",
            [("", "pattern-not-comparable")],
        ),
        ("[network-traffic:dst_ref.value = 'a.example.com' AND network-traffic:dst_port = 80]", [A]),
        ("[network-traffic:dst_port = 80]", [("", "not-a-kind")]),
        ("[bank-account:account_number = '1234567890']", [("", "not-a-kind")]),
    ],
)
def test_each_value_is_a_report_or_has_its_reason(pattern: str, values: list[tuple[str, str]]) -> None:
    assert values_of(pattern) == values


@pytest.mark.parametrize(
    "pattern",
    [
        "[domain-name:value IN ('a.example.com', 'b.example.com')]",
        "[domain-name:value LIKE '%.a.example.com']",
        "[domain-name:value = 'a.example.com' AND domain-name:resolves_to_refs[*].value = '192.0.2.1']",
        "[network-traffic:dst_ref.type = 'ipv4-addr' AND network-traffic:dst_ref.value = '192.0.2.4']",
    ],
)
def test_pattern_without_exactly_one_value_is_not_published(pattern: str) -> None:
    assert any(isinstance(outcome, Report) for outcome in all_from_stix(indicator(pattern)))
    with pytest.raises(Rejected) as refusal:
        from_stix(indicator(pattern))
    assert refusal.value.reason in ("pattern-not-comparable", "not-a-kind")


@pytest.mark.parametrize(
    ("pattern", "kind"),
    [
        ("[hostname:value = 'a.example.com']", "domain"),
        ("[x-opencti-hostname:value = 'a.example.com']", "domain"),
        ("[email-message:from_ref.value = 'h@example.com']", "email"),
        ("[ phone-number:number = '442083661177' ]", "phone"),
        ("[ bank-account:iban_number = 'GB33BUKB20201555555555' ]", "bank-account"),
        ("[ cryptocurrency-wallet:address = '1BgGZ9tcN4rm9KBzDn7KprQz87SZ26SAMH' ]", "wallet"),
    ],
)
def test_another_name_of_the_same_property_is_the_same(pattern: str, kind: str) -> None:
    assert from_stix(indicator(pattern)).kind == kind


@pytest.mark.parametrize(
    "pattern",
    [
        "[payment-card:value = '4111111111111111']",
        "[payment-card:card_number = '4111111111111111']",
        "[bank-card:number = '4111111111111111']",
        "[email-message:to_refs[*].value = 'i@example.com']",
        "[email-message:bcc_refs[0].value = 'i@example.com']",
    ],
)
def test_cards_and_recipients_of_mail_are_refused_by_both_readers(pattern: str) -> None:
    assert values_of(pattern) == [("", "personal-data")]
    with pytest.raises(Rejected, match="personal-data"):
        from_stix(indicator(pattern))


@pytest.mark.parametrize("pattern", ["", "x", "[]"])
def test_malformed_pattern_gives_no_report(pattern: str) -> None:
    with pytest.raises(Rejected, match="pattern-form"):
        all_from_stix(indicator(pattern))


@pytest.mark.parametrize(
    ("properties", "confidence"),
    [
        ({"confidence": 15, "x_opencti_score": 80}, 15),
        ({"confidence": 0, "x_opencti_score": 80}, 0),
        ({"x_opencti_score": 80}, 80),
        ({"extensions": {OPENCTI: {"score": 60}}}, 60),
        ({"x_opencti_score": 800}, None),
        ({"x_opencti_score": True}, None),
        ({"x_opencti_score": "high"}, None),
        ({}, None),
    ],
)
def test_opencti_score_replaces_a_missing_confidence(properties: dict[str, Any], confidence: int | None) -> None:
    assert from_stix(indicator("[domain-name:value = 'a.example.com']", **properties)).confidence == confidence


def test_a_report_survives_a_platform_that_keeps_labels_and_drops_extensions() -> None:
    columns = {
        "reporter": "Example Bank",
        "reported_at": REPORTED,
        "scam_type": "investment",
        "channel": "social-media",
        "payment_rail": "crypto",
        "action": "hold",
        "holder_status": "deceived",
        "countries": "TH,VN",
        "chain": "polygon",
    }
    address = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"
    report = ReportReader(columns).report({"kind": "wallet", "value": address})
    kept = {**to_stix(report, Profile.CORE)[0], "extensions": {}}
    read = from_stix(kept, {kept["created_by_ref"]: "Example Bank"})
    assert read == report.model_copy(update={"first_seen": report.reported_at})


@pytest.mark.parametrize(
    "label",
    [
        'scam:type="Not A Word"',
        'scam:action="shoot"',
        'scam:country="Thailand"',
        'scam:payment-rail="boat"',
        "scam:type",
    ],
)
def test_a_label_without_a_known_word_is_ignored(label: str) -> None:
    pattern = "[domain-name:value = 'a.example.com']"
    assert from_stix(indicator(pattern, labels=[label])) == from_stix(indicator(pattern))


def test_caller_supplies_levels_of_other_markings() -> None:
    own = "marking-definition--00000000-0000-4000-8000-0000000000aa"
    marked = indicator("[domain-name:value = 'a.example.com']", object_marking_refs=[own])
    levels = [
        [outcome.tlp for outcome in all_from_stix(marked, markings=known) if isinstance(outcome, Report)]
        for known in ({}, {own: Tlp.RED})
    ]
    assert levels == [[Tlp.AMBER], [Tlp.RED]]


def test_both_readers_agree_on_our_own_indicators() -> None:
    report = ReportReader({"reporter": "X", "reported_at": REPORTED}).report(
        {"kind": "domain", "value": "a.example.com"}
    )
    ours = to_stix(report, Profile.CORE)[0]
    assert extension.ID in ours["extensions"]
    assert all_from_stix(ours) == [from_stix(ours)]
