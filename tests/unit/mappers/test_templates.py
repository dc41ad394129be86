"""Reports written in bulk: byte for byte what they are one by one."""

from typing import Any

import orjson
import pytest
from hypothesis import given, settings, strategies as st

from mappers import ids
from mappers.indicator import Profile, to_stix
from mappers.templates import Writer
from schemas import kinds
from schemas.report import Report
from schemas.tabular import ReportReader

GIVEN: dict[str, dict[str, str]] = {
    "nothing more": {},
    "all there is": {"tlp": "clear", "confidence": "50", "countries": "TH,SG", "sha256": "a" * 64, "channel": "sms"},
    "texts that JSON escapes": {"description": 'a "quoted" %s of 100 % \\ é', "reference": "50 %b"},
    "another language": {"lang": "th", "description": "ร้านปลอม"},
}


def _reports(kind: str, more: dict[str, str]) -> list[Report]:
    reader = ReportReader({"reporter": "Bank", "reported_at": "2026-01-15T00:00:00Z", "kind": kind, **more})
    examples = [example for example in kinds.get(kind).examples() if example.value is not None]
    return [reader.report({"value": example.raw, **example.given}) for example in examples]


def _one_by_one(report: Report, profile: Profile, separator: bytes = b"\n") -> bytes:
    return separator.join(map(orjson.dumps, to_stix(report, profile)))


@pytest.mark.parametrize("profile", Profile)
@pytest.mark.parametrize("kind", kinds.every())
@pytest.mark.parametrize("more", GIVEN.values(), ids=GIVEN)
def test_bulk_and_single_reports_are_the_same_bytes(kind: str, profile: Profile, more: dict[str, str]) -> None:
    writer = Writer(profile)
    reports = _reports(kind, more)
    assert reports
    for report in [*reports, *reversed(reports)]:
        assert writer.write(report) == _one_by_one(report, profile)


def test_reports_of_all_kinds_and_contexts_can_be_mixed() -> None:
    writer = Writer(separator=b",\n")
    mixed = [report for more in GIVEN.values() for kind in kinds.every() for report in _reports(kind, more)[:2]]
    for report in [*mixed, *mixed[::3]]:
        assert writer.write(report) == _one_by_one(report, Profile.FULL, b",\n")


@settings(deadline=None)
@given(st.text(), st.sampled_from(["indicator--x", "identity--y"]))
def test_quick_ids_are_the_same_ids(pattern: str, ref: str) -> None:
    try:
        pattern.encode()
    except UnicodeEncodeError:
        return
    assert ids.indicators_of(ref)(pattern) == ids.indicator(ref, pattern)
    assert ids.relationships_of("based-on")(ref, "url--z") == ids.relationship("based-on", ref, "url--z")


def test_more_contexts_than_are_remembered_are_written_all_the_same(monkeypatch: Any) -> None:
    monkeypatch.setattr("mappers.templates._TEMPLATES_AT_MOST", 2)
    writer = Writer()
    for number in [1, 2, 3, 4, 1, 2]:
        (report,) = _reports("email", {"reference": str(number)})[:1]
        assert writer.write(report) == _one_by_one(report, Profile.FULL)
