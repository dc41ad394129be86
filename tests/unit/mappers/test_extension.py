"""Limits in STIX: on any object, partners by identity, and refused if unknown."""

import json
from typing import Any

import pytest
from hypothesis import given
from jsonschema import Draft202012Validator

from mappers import extension, ids, records as mapped
from mappers.indicator import Profile, to_stix
from mappers.record_reader import from_stix as read_records
from mappers.report_reader import from_stix
from schemas import tabular
from schemas.errors import Rejected
from schemas.fields import Sharing
from schemas.json_schema import extension_schema
from schemas.tabular import ReportReader
from tests.unit.schemas.sharing_examples import LIMITS, NAMES_IN_USE

NAMES = {ids.identity(name): name for name in NAMES_IN_USE}
BY = {"reporter": "Example Bank", "reported_at": "2026-11-24T08:00:00.000Z"}
BASE = {**BY, "kind": "domain"}


def carrying(limits: Any) -> dict[str, Any]:
    return {"type": "note", "extensions": {extension.ID: {"extension_type": "property-extension", "sharing": limits}}}


@given(LIMITS)
def test_an_object_with_limits_is_valid_by_the_schema(limits: Sharing) -> None:
    written = extension.write_sharing(limits)
    extended = {"extension_type": "property-extension", "sharing": written}
    Draft202012Validator(extension_schema()).validate(extended)
    assert extension.sharing(json.loads(json.dumps(carrying(written))), NAMES) == limits


@given(LIMITS)
def test_no_partner_name_is_in_an_object(limits: Sharing) -> None:
    assert not any(name in json.dumps(extension.write_sharing(limits), ensure_ascii=False) for name in NAMES_IN_USE)


@given(LIMITS)
def test_an_indicator_is_read_with_the_limits_of_its_report(limits: Sharing) -> None:
    report = ReportReader(BASE).report({"value": "bad.example.com"}).model_copy(update={"sharing": limits})
    (indicator,) = to_stix(report, Profile.CORE)
    read = from_stix(indicator, {**NAMES, ids.identity("Example Bank"): "Example Bank"})
    assert read.sharing == (limits if limits.limited else None)


def test_object_without_our_extension_has_no_limits() -> None:
    assert extension.sharing({"type": "note"}) is None


@pytest.mark.parametrize(
    "limits",
    [
        [],
        "nobody",
        {"not_to": ["KH"]},
        {"not_to_countries": "KH"},
        {"not_to_countries": ["Cambodia"]},
        {"only_partners": [{}]},
        {"onward": 7},
    ],
)
def test_unknown_limits_are_refused(limits: Any) -> None:
    with pytest.raises(Rejected) as refusal:
        extension.sharing(carrying(limits))
    assert refusal.value.reason == "bad-sharing"
    assert "Cambodia" not in refusal.value.message


ROWS: dict[str, dict[str, Any]] = {
    "sighting": {"of": "indicator--346f90dd-04c0-4b38-9d6b-1f2a52a8a3c1"},
    "outcome": {"of": "indicator--346f90dd-04c0-4b38-9d6b-1f2a52a8a3c1", "outcome": "blocked"},
    "opinion": {"of": "indicator--346f90dd-04c0-4b38-9d6b-1f2a52a8a3c1", "opinion": "agree"},
    "case": {"name": "A case", "members": "indicator--346f90dd-04c0-4b38-9d6b-1f2a52a8a3c1"},
    "flow": {
        "source": "wallet:0x52908400098527886e0f7030069857d2e4169ee7",
        "target": "wallet:0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed",
    },
}


@pytest.mark.parametrize("name", ROWS)
def test_records_carry_limits_both_ways(name: str) -> None:
    limits = tabular.read_record(name, {**ROWS[name], "not_to_countries": "KH", "only_partners": ["First Bank"]}, BY)
    assert limits.sharing == Sharing(not_to_countries=("KH",), only_partners=("First Bank",))
    *ends, written = mapped.to_stix(limits)
    (read,) = read_records(written, NAMES, {end["id"]: end for end in ends})
    assert read.sharing == limits.sharing
