"""Guarantees of every record: sighting, outcome, opinion, flow and case."""

import json
from typing import Any

import pytest
import stix2
from jsonschema import Draft202012Validator

from mappers import common_objects, extension, ids
from mappers.indicator import Profile, to_stix as report_to_stix
from mappers.record_reader import from_stix
from mappers.records import beside, to_stix
from schemas import tabular
from schemas.errors import Rejected
from schemas.json_schema import extension_schema
from schemas.records import Record
from schemas.tabular import ReportReader
from schemas.vocabulary import OpinionWord, OutcomeWord, Tlp
from tests.contract.bundles import GOLDEN, REPORTER, assert_strictly_valid, bundle, golden

REPORTED_AT = "2026-01-15T08:00:00.000Z"
ACCOUNT = "bank-account:TH:KASITHBK:1234567890"

REPORT = ReportReader({"reporter": REPORTER, "reported_at": REPORTED_AT, "tlp": "green"}).report(
    {"kind": "domain", "value": "shop.example.com"}
)
INDICATOR: str = report_to_stix(REPORT)[1]["id"]


def _read(which: str, /, **columns: Any) -> Record:
    defaults = {"reporter": REPORTER, "reported_at": REPORTED_AT, "tlp": "green"}
    return tabular.read_record(which, columns, defaults)


RECORDS: dict[str, Record] = {
    "sighting": _read("sighting", of=INDICATOR, count="4", first_seen="2026-01-10", last_seen="2026-01-14"),
    "sighting elsewhere": _read(
        "sighting", of=INDICATOR, countries="TH,KH", seen_by="Other Bank", description="พบหลายครั้ง", lang="th"
    ),
    "not seen": _read("sighting", of=INDICATOR, count="0", reference="case 42"),
    **{
        word.value: _read(
            "outcome", of=INDICATOR, outcome=word.value, reason="own-finding", effective_from="2026-01-12"
        )
        for word in OutcomeWord
    },
    "hold": _read("outcome", of=INDICATOR, outcome="held", effective_until="2026-01-19", reference="7"),
    "outcome in words": _read("outcome", of=INDICATOR, outcome="no-action", description="Not ours."),
    **{word.value: _read("opinion", of=INDICATOR, opinion=word.value) for word in OpinionWord},
    "answer": _read("qualification", of=INDICATOR, code="genuine", reference="8"),
    "flow": _read(
        "flow",
        source=ACCOUNT,
        target="wallet:1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa",
        amount="12345.67",
        currency="THB",
        count="3",
        first_seen="2026-01-10",
        last_seen="2026-01-12",
    ),
    "flow of a moment": _read(
        "flow",
        source=ACCOUNT,
        target="bank-account:DE89370400440532013000",
        first_seen="2026-01-10",
        last_seen="2026-01-10",
        description="Within minutes.",
    ),
    "case": _read(
        "case",
        name="Example operation",
        members=[INDICATOR],
        scam_type="investment",
        countries="TH",
        sha256="0" * 64,
        first_seen="2026-01-10",
        reference="case 42",
        description="โฆษณาชวนลงทุนปลอม",
        lang="th",
    ),
    "request": _read(
        "request",
        of=ACCOUNT,
        asks="freeze",
        addressee="Other Bank",
        reference="case 42",
        amount="800000",
        currency="THB",
        uetr="97ed4827-7b6f-4491-a06f-b548d5a7512d",
        deadline="2026-01-16",
        legal_basis="scheme-rules",
    ),
    "request-answer": _read(
        "request-answer",
        request="0b5bd6a1-2a1c-4b43-9d2c-3b1de9bb0f3a",
        state="agreed",
        amount="300000",
        currency="THB",
        went_to="bank-account:DE89370400440532013000=500000",
    ),
}
NAMED = pytest.mark.parametrize("name", RECORDS)


def everything() -> list[dict[str, Any]]:
    """Return the objects of all records, each once, after the objects they reference."""
    objects_of_each = [
        report_to_stix(REPORT),
        *(objects for record in RECORDS.values() for objects in (beside(record), to_stix(record))),
    ]
    common = {obj["id"]: obj for obj in common_objects.with_reporter(REPORTER, None, [Tlp.GREEN])}
    return list((common | {obj["id"]: obj for objects in objects_of_each for obj in objects}).values())


def read_back(name: str) -> list[Record]:
    *around, obj = to_stix(RECORDS[name])
    reporters = {ids.identity(name): name for name in (REPORTER, "Other Bank")}
    return list(from_stix(obj, reporters, {other["id"]: other for other in around}))


@NAMED
def test_record_survives_the_stix_round_trip(name: str) -> None:
    assert read_back(name) == [RECORDS[name]]


@NAMED
def test_a_record_read_and_written_again_is_the_same_object(name: str) -> None:
    assert to_stix(read_back(name)[0]) == to_stix(RECORDS[name])


def test_no_two_records_are_one_object() -> None:
    objects = [to_stix(record)[-1] for record in RECORDS.values()]
    assert len({obj["id"] for obj in objects}) == len(objects)


@NAMED
def test_the_extension_of_a_record_fits_the_published_schema(name: str) -> None:
    obj = to_stix(RECORDS[name])[-1]
    for properties in obj.get("extensions", {}).values():
        Draft202012Validator(extension_schema()).validate(properties)


def test_the_extensions_of_all_golden_bundles_fit_the_published_schema() -> None:
    validator = Draft202012Validator(extension_schema(), format_checker=Draft202012Validator.FORMAT_CHECKER)
    extensions = [
        obj["extensions"][extension.ID]
        for path in GOLDEN.glob("*.json")
        for obj in json.loads(path.read_text(encoding="utf-8"))["objects"]
        if extension.ID in obj.get("extensions", {})
    ]
    assert len(extensions) > len(RECORDS)
    for properties in extensions:
        validator.validate(properties)
    assert not validator.is_valid({**extensions[0], "victim": "somebody"})


def test_bundle_of_records_is_unchanged() -> None:
    """If a change of the bundle is intended, run ``make generate``."""
    assert golden("records") == bundle(everything())


def test_official_validator_accepts_the_bundle_with_strict_rules() -> None:
    assert_strictly_valid(golden("records"))


def test_every_stix_parser_accepts_records_in_the_core_profile() -> None:
    objects = [*common_objects.with_reporter(REPORTER, None, [Tlp.GREEN]), *report_to_stix(REPORT, Profile.CORE)]
    for record in RECORDS.values():
        try:
            objects += [*beside(record), *to_stix(record, Profile.CORE)]
        except Rejected as refused:
            assert (type(record).__name__, refused.reason) == ("Flow", "not-in-profile")  # noqa: PT017 - the one exception
    parsed = stix2.parse(bundle(list({obj["id"]: obj for obj in objects}.values())), allow_custom=False)
    assert {obj["type"] for obj in parsed["objects"]} >= {"sighting", "opinion", "grouping", "location"}
