"""STIX of other makers: indicators give reports, other objects give none."""

from io import BytesIO
from typing import Any

import orjson
import pytest
from hypothesis import given, settings, strategies as st

from feeds import formats
from feeds.mapping.options import Options
from feeds.mapping.output import StixWriter
from feeds.mapping.rows import Mapped, map_stream
from feeds.readers.rows import ReportRow, Unreadable
from schemas.tabular import ReportReader
from tests.searches import examples
from tests.unit.feeds.row_columns import columns_of_row

INDICATOR: dict[str, Any] = {
    "type": "indicator",
    "spec_version": "2.1",
    "id": "indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f",
    "created": "2026-01-01T00:00:00.000Z",
    "modified": "2026-01-02T00:00:00.000Z",
    "pattern": "[domain-name:value = 'a.example.com']",
    "pattern_type": "stix",
    "valid_from": "2026-01-01T00:00:00Z",
}
ANYTHING = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.text(max_size=5)
    | st.lists(st.text(max_size=3), max_size=2)
)
JUNK = st.recursive(ANYTHING, lambda inner: st.dictionaries(st.text(max_size=5), inner, max_size=2), max_leaves=4)
PROPERTIES = [*INDICATOR, "valid_until", "labels", "indicator_types", "object_marking_refs", "extensions", "confidence"]
PROPERTIES += ["description", "lang", "revoked", "created_by_ref", "external_references", "kill_chain_phases", "name"]


def row_of(obj: dict[str, Any]) -> ReportRow | Unreadable:
    (row,) = formats.read(BytesIO(orjson.dumps([obj])), format="stix")
    assert isinstance(row, ReportRow | Unreadable)
    return row


def fields(**changes: Any) -> dict[str, str]:
    row = row_of(INDICATOR | changes)
    assert isinstance(row, ReportRow), row
    return columns_of_row(row)


def reason(**changes: Any) -> str:
    row = row_of(INDICATOR | changes)
    assert isinstance(row, Unreadable)
    return row.reason


@settings(max_examples=examples(300), deadline=None)
@given(st.sampled_from(PROPERTIES), JUNK)
def test_any_indicator_is_a_row_or_has_a_reason(name: str, junk: Any) -> None:
    for row in formats.read(BytesIO(orjson.dumps([INDICATOR | {name: junk}])), format="stix"):
        assert isinstance(row, ReportRow | Unreadable)


@settings(max_examples=examples(100), deadline=None)
@given(st.dictionaries(st.sampled_from(["details", "kind", "scam_type", "countries", "evidence"]), JUNK))
def test_any_extension_of_ours_is_a_row_or_has_a_reason(junk: dict[str, Any]) -> None:
    ours = {"extension-definition--dec54698-24b9-4642-b284-0ebb7e140e8c": junk}
    assert isinstance(row_of(INDICATOR | {"extensions": ours}), ReportRow | Unreadable)


def test_a_null_property_counts_as_missing() -> None:
    assert fields(valid_until=None, labels=None, extensions=None, description=None) == fields()


@pytest.mark.parametrize(
    ("labels", "scam_type"),
    [
        (["scam", "phishing"], "credential-phishing"),
        (["Pig Butchering"], "investment"),
        (["scam", "other"], None),
        ([], None),
    ],
)
def test_labels_give_the_scam_type(labels: list[str], scam_type: str | None) -> None:
    assert fields(labels=labels).get("scam_type") == scam_type


@pytest.mark.parametrize("where", ["labels", "indicator_types"])
def test_an_indicator_labelled_benign_is_no_scam(where: str) -> None:
    assert reason(**{where: ["benign"]}) == "not-a-scam"


def test_a_revoked_indicator_is_no_report() -> None:
    assert reason(revoked=True) == "revoked"


def test_the_creator_of_an_indicator_is_not_the_reporter() -> None:
    assert "reporter" not in fields(created_by_ref="identity--f431f809-377b-45e0-aa1c-6a4751cae5ff")


def test_refusals_do_not_repeat_the_value() -> None:
    row = row_of(INDICATOR | {"pattern": "[domain-name:value = 'secret']"})
    assert isinstance(row, Unreadable)
    assert "secret" in row.raw
    assert "secret" not in row.message


@pytest.mark.parametrize("profile", ["full", "core"])
@pytest.mark.parametrize("bundle", [True, False])
def test_mapped_reports_read_back_unchanged(profile: str, bundle: bool) -> None:
    rows = (
        b"kind,value,scam_type,country,bank,tlp,sha256\ndomain,a.example.com,investment,,,clear,\n"
        b"phone,0812345678,,TH,,,\nbank-account,123-4-56789-0,,TH,KBANK,red," + b"a" * 64 + b"\n"
    )
    options = Options(reporter="Example Bank", profile=profile)  # type: ignore[arg-type]
    mapped = [outcome for outcome in map_stream(BytesIO(rows), "x.csv", options) if isinstance(outcome, Mapped)]
    out = BytesIO()
    sink = StixWriter(out, options, bundle=bundle)
    for outcome in mapped:
        sink.write(outcome)
    sink.close()
    reader = ReportReader({"reporter": "Example Bank"})
    read = [reader.complete(row.report) for row in formats.read(BytesIO(out.getvalue())) if isinstance(row, ReportRow)]
    assert read == [outcome.report for outcome in mapped]
    assert len(read) == 3


def test_requests_to_sentinel_hold_a_hundred_at_most() -> None:
    report = ReportReader({"reporter": "X", "reported_at": "2026-01-01"}).report(
        {"kind": "domain", "value": "a.example.com"}
    )
    out = BytesIO()
    assert formats.write("sentinel", [report] * 250, out) == 250
    requests = [orjson.loads(line) for line in out.getvalue().splitlines()]
    assert [len(request["stixobjects"]) for request in requests] == [100, 100, 50]
    assert all(request.keys() == {"sourcesystem", "stixobjects"} for request in requests)


@pytest.mark.parametrize(
    ("scam_type", "abuse"),
    [("credential-phishing", "phishing"), ("impersonation-bank", "impersonation"), ("romance", "scam"), ("", "scam")],
)
def test_signals_name_the_abuse_in_the_exchanges_words(scam_type: str, abuse: str) -> None:
    report = ReportReader({"reporter": "X", "reported_at": "2026-01-01T08:00:00+07:00"}).report(
        {"kind": "domain", "value": "a.example.com", "scam_type": scam_type}
    )
    out = BytesIO()
    formats.write("gse", [report], out)
    (signal,) = orjson.loads(out.getvalue())
    assert signal == {
        "signal": "a.example.com",
        "report_date": "2026-01-01 01:00:00",
        "abuse_type": abuse,
        "signal_type": "domain name",
    }


def test_a_marking_defined_after_the_object_that_bears_it_counts() -> None:
    own = "marking-definition--00000000-0000-4000-8000-0000000000ab"
    defined = {"type": "marking-definition", "spec_version": "2.1", "id": own, "name": "TLP:AMBER+STRICT"}
    marked = {**INDICATOR, "object_marking_refs": [own]}
    (row,) = formats.read(BytesIO(orjson.dumps([marked, defined])), format="stix")
    assert isinstance(row, ReportRow)
    assert row.report.tlp == "amber+strict"
