"""A report that is made like others is the report that is validated by itself."""

import random
from typing import Any

import pytest

from mappers import indicator as mapper
from mappers.indicator import from_stix, to_stix
from schemas import kinds
from schemas.errors import Rejected
from schemas.tabular import ReportReader

CREATOR = "identity--fbe9ee91-25b4-53c1-8098-13cee31f201f"
CHANGES: list[dict[str, Any]] = [
    {},
    {"extensions": {}},
    {"extensions": {}, "labels": ['scam:type="investment"', 'scam:country="TH"', "scam"]},
    {"extensions": {}, "labels": ['scam:chain="bitcoin"', 'scam:channel="web"', 'scam:action="warn"']},
    {"extensions": {}, "confidence": 55},
    {"confidence": True},
    {"confidence": 55.0},
    {"confidence": "55"},
    {"confidence": 101},
    {"valid_until": "2026-10-02T08:00:00Z"},
    {"valid_until": "2026-10-02T08:00:00.123456+02:00", "extensions": {}},
    {"valid_until": "2020-10-02T08:00:00Z"},
    {"valid_until": None},
    {"valid_from": "2027-10-02T08:00:00Z", "extensions": {}},
    {"lang": "th"},
    {"lang": "no language"},
    {"created_by_ref": ""},
    {"created_by_ref": "x" * 101},
    {"description": "In words"},
    {"object_marking_refs": ["marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487"]},
    {"object_marking_refs": []},
]


def _indicators() -> list[dict[str, Any]]:
    chosen = random.Random(1)  # noqa: S311 - no secret
    found = []
    for kind in kinds.every().values():
        for example in kind.examples():
            given = {"kind": kind.name, "reporter": "Bank", "reported_at": "2026-10-01T08:00:00Z", "tlp": "clear"}
            try:
                report = ReportReader(given).report({"value": example.raw, **example.given})
            except Rejected:
                continue
            found.append({**to_stix(report)[1], "created_by_ref": CREATOR, **chosen.choice(CHANGES)})
    return found


def _read(obj: dict[str, Any]) -> Any:
    try:
        report = from_stix(obj)
    except Rejected as refusal:
        return str(refusal)
    return report, report.model_fields_set, type(report.details), type(report.confidence), type(report.countries)


def test_a_report_like_others_is_the_report_validated_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    indicators = [{**obj, **change} for obj in _indicators() for change in (CHANGES[0], *CHANGES[-1:])]
    indicators += [{**obj, **change} for obj in _indicators()[::25] for change in CHANGES]
    found = [_read(obj) for obj in indicators]
    monkeypatch.setattr(mapper, "_like_others", lambda fields: None)
    assert found == [_read(obj) for obj in indicators]


def test_most_reports_are_like_others() -> None:
    usual = [obj for obj in _indicators() if "description" not in obj and "confidence" not in obj]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mapper, "_validated", lambda fields: None)
        assert sum(from_stix(obj) is not None for obj in usual) >= len(usual) / 2
