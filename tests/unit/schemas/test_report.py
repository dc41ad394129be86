"""A report is validated and normalised, and always has an end."""

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from schemas import kinds
from schemas.errors import Rejected
from schemas.partner import Partner, PartnerKind
from schemas.report import Report
from schemas.tabular import ReportReader
from schemas.vocabulary import Action, HolderStatus, Tlp, scam_category

NOW = "2026-11-24T08:00:00.000Z"
BASE = {"reporter": "Example Bank", "reported_at": NOW}


def read(fields: dict[str, str], **defaults: str) -> Report:
    return ReportReader({**BASE, **defaults}).report(fields)


def reason(fields: dict[str, str], **defaults: str) -> str:
    with pytest.raises(Rejected) as refusal:
        read(fields, **defaults)
    return refusal.value.reason


def test_value_is_normalised() -> None:
    assert read({"kind": "domain", "value": "hxxps://Shop[.]Example[.]com/"}).value == "shop.example.com"


def test_a_report_without_an_end_gets_its_kinds_time_to_live() -> None:
    report = read({"kind": "domain", "value": "shop.example.com"})
    assert report.valid_until - report.reported_at == kinds.get("domain").time_to_live


def test_last_seen_extends_a_report() -> None:
    report = read({"kind": "phone", "value": "+66812345678", "last_seen": "2026-12-01"})
    assert report.valid_until == datetime(2026, 12, 1, tzinfo=UTC) + kinds.get("phone").time_to_live


def test_a_report_keeps_its_own_end() -> None:
    report = read({"kind": "domain", "value": "shop.example.com", "valid_until": "2026-11-30"})
    assert report.valid_until == datetime(2026, 11, 30, tzinfo=UTC)


def test_rows_of_values_alone_and_full_rows_give_the_same_report() -> None:
    reader = ReportReader({**BASE, "kind": "domain", "scam_type": "investment", "tlp": "clear"})
    reader.report({"value": "first.example.com"})
    alone = reader.report({"value": "bad[.]example[.]com"})
    full = reader.report({"value": "bad.example.com", "scam_type": "investment"})
    assert alone == full


def test_a_row_overrides_the_defaults_but_not_the_reporter() -> None:
    report = read({"value": "a.example.com", "tlp": "red", "reporter": "Somebody Else"}, kind="domain", tlp="clear")
    assert report.tlp is Tlp.RED
    assert report.reporter == "Example Bank"


def test_column_for_another_kind_is_ignored() -> None:
    assert read({"value": "shop.example.com", "country": "TH"}).value == "shop.example.com"
    assert read({"value": "shop.example.com", "iban": "x"}, kind="domain").details == {}


def test_a_value_without_a_kind_is_recognised() -> None:
    assert read({"value": "shop.example.com"}).kind == "domain"
    assert read({"value": "+66 81 234 5678"}).kind == "phone"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"kind": "domain", "value": ""}, "domain-form"),
        ({"kind": "horse", "value": "shop.example.com"}, "unknown-kind"),
        ({"value": "???"}, "kind-not-recognised"),
        ({"kind": "domain", "value": "a.example.com", "confidence": "101"}, "bad-confidence"),
        ({"kind": "domain", "value": "a.example.com", "tlp": "purple"}, "bad-tlp"),
        ({"kind": "domain", "value": "a.example.com", "countries": "Thailand"}, "bad-countries"),
        ({"kind": "domain", "value": "a.example.com", "first_seen": "yesterday"}, "bad-first-seen"),
        ({"kind": "domain", "value": "a.example.com", "last_seen": "call 0812345678"}, "bad-last-seen"),
        ({"kind": "domain", "value": "a.example.com", "reference": "one\ntwo"}, "bad-reference"),
        ({"kind": "domain", "value": "a.example.com", "description": "a\x1b[2J"}, "bad-description"),
        ({"kind": "domain", "value": "a.example.com", "sha256": "beef"}, "bad-evidence"),
        ({"kind": "domain", "value": "a.example.com", "holder_name": "x"}, "bad-holder-name"),
        ({"kind": "domain", "value": "a.example.com", "holder_status": "deceived"}, "holder-status-misplaced"),
        ({"kind": "domain", "value": "a.example.com", "valid_until": "2020-01-01"}, "ends-before-it-starts"),
        (
            {"kind": "domain", "value": "a.example.com", "first_seen": "2026-02-01", "last_seen": "2026-01-01"},
            "times-reversed",
        ),
    ],
)
def test_bad_row_is_refused_with_its_reason(fields: dict[str, str], expected: str) -> None:
    assert reason(fields) == expected


def test_no_refusal_contains_the_value() -> None:
    with pytest.raises(Rejected) as refusal:
        read({"kind": "phone", "value": "+66812345678", "confidence": "+66812345678"})
    assert "812345678" not in str(refusal.value)


def test_report_of_a_coerced_holder_cannot_request_block() -> None:
    account = {"kind": "bank-account", "value": "GB33BUKB20201555555555", "holder_status": "coerced"}
    assert reason({**account, "action": "block"}) == "coerced-holder"
    report = read({**account, "action": "hold"})
    assert (report.action, report.holder_status) == (Action.HOLD, HolderStatus.COERCED)


def test_an_overlong_value_is_refused_and_not_cut() -> None:
    assert reason({"kind": "domain", "value": "a" * 5000 + ".example.com"}) in ("domain-form", "bad-value")


def test_a_report_equals_the_report_of_its_json() -> None:
    report = read({"kind": "domain", "value": "a.example.com", "countries": "vn;th", "sha256": "0" * 64})
    assert Report.model_validate_json(report.model_dump_json()) == report
    assert report.countries == ("TH", "VN")


def test_an_unknown_property_of_a_report_is_refused() -> None:
    data = {**BASE, "kind": "domain", "value": "a.example.com", "valid_until": NOW, "victim": "x"}
    with pytest.raises(ValidationError, match="victim"):
        Report.model_validate(data)


def test_each_scam_type_has_a_category() -> None:
    assert scam_category("investment") == "products-services"
    assert scam_category("romance") == "relationship-trust"
    assert scam_category("unknown") == scam_category("a-new-word") == "other"


def test_times_are_cut_to_the_millisecond() -> None:
    report = read({"kind": "domain", "value": "a.example.com", "first_seen": "2026-01-01T00:00:00.123999+07:00"})
    assert report.first_seen == datetime(2025, 12, 31, 17, 0, 0, 123000, tzinfo=UTC)
    assert report.valid_until - report.reported_at == timedelta(days=90)


def test_invisible_direction_characters_are_removed() -> None:
    texts = {"description": "one\ntwo \u202egnp.exe", "reference": "A\u2066-1\u200b"}
    report = read({"kind": "domain", "value": "a.example.com", **texts})
    assert (report.description, report.reference) == ("one\ntwo gnp.exe", "A-1")


@pytest.mark.parametrize("name", ["A\u202eB", "A\u200bB", "A\u0085B", "A\nB", " A", "A ", "Cafe\u0301", "A\u2028B"])
def test_a_partners_name_has_no_invisible_characters(name: str) -> None:
    with pytest.raises(ValidationError, match="name"):
        Partner(name=name, kind=PartnerKind.BANK, identity=f"identity--{'0' * 36}")
    assert Partner(name="ธนาคาร Café", kind=PartnerKind.BANK, identity=f"identity--{'0' * 36}").name == "ธนาคาร Café"
