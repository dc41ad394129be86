"""The contract of every kind of indicator. A new kind is tested as soon as its files exist."""

import re
from pathlib import Path
from typing import Any

import pytest
import stix2

from mappers import common_objects, kinds as mappers_by_kind
from mappers.indicator import Profile, to_stix
from mappers.report_reader import all_from_stix, from_stix
from schemas import kinds
from schemas.errors import Rejected
from schemas.kind import Normal, ValueExample
from schemas.refang import refang
from schemas.report import Report
from schemas.tabular import ReportReader
from schemas.vocabulary import Tlp
from server.store.collections import DEFAULTS
from tests.contract.bundles import REPORTER, assert_strictly_valid, bundle, golden

ALL = [(name, example) for name, kind in kinds.every().items() for example in kind.examples()]
GOOD = [(name, example) for name, example in ALL if example.value is not None]

# Refused values long enough that a message contains them only if it quotes them.
LONG_REFUSED = [(name, example) for name, example in ALL if example.value is None and len(example.raw) > 5]


def ids_of(cases: list[tuple[str, ValueExample]]) -> list[str]:
    return [f"{name}-{example.raw[:40]!r}" for name, example in cases]


def report_of(name: str, example: ValueExample) -> Report:
    columns = {
        "reporter": REPORTER,
        "reported_at": "2026-01-15T08:00:00Z",
        "kind": name,
        "scam_type": "investment",
        "channel": "social-media",
        "payment_rail": "bank",
        "first_seen": "2026-01-10",
        "last_seen": "2026-01-14T23:59:59.5Z",
        "confidence": "85",
        "tlp": "green",
        "countries": "TH,VN",
        "action": "hold",
        "sha256": "0" * 64,
        "reference": "case 42",
        "description": "โฆษณาชวนลงทุนปลอม",
        "lang": "th",
    }
    if kinds.get(name).account:
        columns["holder_status"] = "deceived"
    return ReportReader(columns).report({"value": example.raw, **example.given})


def everything(name: str) -> list[dict[str, Any]]:
    """Return the objects of all reports of a kind, each once, after the objects they reference."""
    made: dict[str, dict[str, Any]] = {
        obj["id"]: obj for obj in common_objects.with_reporter(REPORTER, None, [Tlp.GREEN])
    }
    for example in kinds.get(name).examples():
        if example.value is not None:
            made |= {obj["id"]: obj for obj in to_stix(report_of(name, example))}
    return list(made.values())


@pytest.mark.parametrize(("name", "example"), ALL, ids=ids_of(ALL))
def test_an_example_has_its_normal_form_or_its_refusal(name: str, example: ValueExample) -> None:
    kind = kinds.get(name)
    if example.value is None:
        with pytest.raises(Rejected) as refusal:
            kind.normalise(refang(example.raw), example.given)
        assert refusal.value.reason == example.reason
        return
    assert kind.normalise(refang(example.raw), example.given) == Normal(example.value, example.details)


@pytest.mark.parametrize(("name", "example"), GOOD, ids=ids_of(GOOD))
def test_a_normal_form_is_its_own_normal_form(name: str, example: ValueExample) -> None:
    normal = kinds.get(name).normalise(refang(example.raw), example.given)
    assert kinds.get(name).normalise(normal.value, normal.details) == normal


@pytest.mark.parametrize(("name", "example"), LONG_REFUSED, ids=ids_of(LONG_REFUSED))
def test_a_refusal_never_quotes_the_value(name: str, example: ValueExample) -> None:
    with pytest.raises(Rejected) as refusal:
        kinds.get(name).normalise(refang(example.raw), example.given)
    assert example.raw not in refusal.value.message


@pytest.mark.parametrize(("name", "example"), GOOD, ids=ids_of(GOOD))
def test_only_its_own_kind_recognises_a_normal_form(name: str, example: ValueExample) -> None:
    value = kinds.get(name).normalise(refang(example.raw), example.given).value
    assert [kind.name for kind in kinds.every().values() if kind.recognises(value)] in ([name], [])


@pytest.mark.parametrize(("name", "example"), GOOD, ids=ids_of(GOOD))
@pytest.mark.parametrize("profile", list(Profile))
def test_report_survives_the_stix_round_trip(name: str, example: ValueExample, profile: Profile) -> None:
    report = report_of(name, example)
    indicator = next(obj for obj in to_stix(report, profile) if obj["type"] == "indicator")
    assert from_stix(indicator, {indicator["created_by_ref"]: REPORTER}) == report
    assert all_from_stix(indicator, {indicator["created_by_ref"]: REPORTER}) == [report]


@pytest.mark.parametrize("name", kinds.every())
def test_the_bundle_of_a_kind_is_unchanged(name: str) -> None:
    """If a change of it is intended, run ``make generate``."""
    assert golden(name) == bundle(everything(name))


@pytest.mark.parametrize("name", kinds.every())
def test_the_official_validator_accepts_a_kinds_bundle_with_strict_rules(name: str) -> None:
    assert_strictly_valid(golden(name))


@pytest.mark.parametrize("name", kinds.every())
def test_a_strict_stix_parser_accepts_the_core_profile(name: str) -> None:
    example = next(example for example in kinds.get(name).examples() if example.value is not None)
    objects = common_objects.with_reporter(REPORTER, None, [Tlp.GREEN]) + to_stix(
        report_of(name, example), Profile.CORE
    )
    parsed = stix2.parse(bundle(objects), allow_custom=False)
    assert [obj["id"] for obj in parsed["objects"]] == [obj["id"] for obj in objects]


@pytest.mark.parametrize("name", kinds.every())
def test_a_kind_has_a_mapper_a_collection_titles_and_examples(name: str) -> None:
    kind = kinds.get(name)
    assert name in mappers_by_kind.every()
    assert kind.collection in {alias for alias, *_ in DEFAULTS}
    assert kind.title.keys() >= {"en", "th"}
    assert kind.time_to_live.total_seconds() > 0
    assert any(example.value for example in kind.examples())
    assert any(example.reason for example in kind.examples())


def test_every_reason_in_the_code_of_the_kinds_has_an_example() -> None:
    folder = Path(kinds.__path__[0])
    files = [*folder.glob("[!_]*.py"), *(folder.parent / "reference").rglob("*.py")]
    code = "".join(file.read_text(encoding="utf-8") for file in files)
    reasons = set(re.findall(r'Rejected\(\s*"([a-z-]+)"', code))
    assert len(reasons) > 50
    assert reasons - {example.reason for _, example in ALL} == set()
