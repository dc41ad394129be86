"""Names and descriptions in Thai and English, each under its language."""

import pytest
import stix2
from stix2validator import ValidationOptions, validate_parsed_json

from mappers import ids, kinds as mappers_of_kinds, pattern, wording
from mappers.indicator import Profile, basis_of_terms, to_stix
from mappers.report_reader import from_stix
from schemas import kinds
from schemas.report import Report
from schemas.tabular import ReportReader
from schemas.vocabulary import ScamType

REPORTED = "2026-11-24T08:00:00.000Z"
THAI = "โฆษณาชวนลงทุนปลอม"


def report(**columns: str) -> Report:
    fields = {"reporter": "Example Bank", "reported_at": REPORTED, "kind": "domain", "scam_type": "investment"}
    return ReportReader({**fields, **columns}).report({"value": "bad.example.com"})


def contents_of(described: Report) -> dict[str, dict[str, str]]:
    contents: dict[str, dict[str, str]] = to_stix(described)[3]["contents"]
    return contents


def test_a_report_without_a_text_is_described_in_both_languages() -> None:
    objects = to_stix(report())
    assert [obj["type"] for obj in objects] == ["domain-name", "indicator", "relationship"]
    assert objects[1]["lang"] == "en"
    assert objects[1]["description"] == wording.description("domain", "investment")
    assert all(wording.sentence("domain", "investment", lang) in objects[1]["description"] for lang in ("en", "th"))


def test_a_thai_report_stays_thai_and_is_named_in_english_too() -> None:
    described = report(description=THAI, lang="th")
    indicator = to_stix(described)[1]
    assert (indicator["lang"], indicator["description"]) == ("th", THAI)
    assert indicator["name"] == "โดเมนที่ใช้ในการหลอกลวง: bad.example.com"
    assert contents_of(described) == {"en": {"name": "Domain used in a scam: bad.example.com"}}


def test_an_english_original_has_its_name_in_thai() -> None:
    contents = contents_of(report(description="A fake shop"))
    assert contents == {"th": {"name": "โดเมนที่ใช้ในการหลอกลวง: bad.example.com"}}


def test_a_report_in_a_third_language_is_named_in_both() -> None:
    assert contents_of(report(description="Ein falscher Laden", lang="de")).keys() == {"en", "th"}


def test_thai_report_without_a_text_has_english_words_too() -> None:
    assert contents_of(report(lang="th"))["en"]["description"] == "Domain reported as used in an investment scam."


@pytest.mark.parametrize("profile", [Profile.CORE, Profile.OPENCTI])
def test_readers_that_know_no_language_content_get_none(profile: Profile) -> None:
    assert "language-content" not in {obj["type"] for obj in to_stix(report(description=THAI, lang="th"), profile)}


def test_language_content_belongs_to_one_version_of_one_indicator() -> None:
    _, indicator, relationship, content = to_stix(report(description=THAI, lang="th"))
    assert content["id"] == ids.language_content(indicator["id"])
    assert (content["object_ref"], content["object_modified"]) == (indicator["id"], indicator["modified"])
    assert "lang" not in content
    assert content["object_marking_refs"] == indicator["object_marking_refs"]
    assert stix2.parse(content, allow_custom=False)["id"] == content["id"]
    terms = pattern.read(indicator["pattern"])
    _, between = basis_of_terms(mappers_of_kinds.read(terms)[0], terms, indicator)
    assert [between, *wording.language_contents(indicator, from_stix(indicator))] == [relationship, content]
    later = to_stix(report(description=THAI, lang="th", reported_at="2026-11-25T08:00:00.000Z"))[3]
    assert (later["id"], later["modified"]) == (content["id"], "2026-11-25T08:00:00.000Z")


def test_official_validator_accepts_it() -> None:
    content = to_stix(report(description=THAI, lang="th"))[3]
    options = ValidationOptions(strict=True, disabled="103", strict_properties=True, version="2.1")
    results = validate_parsed_json(content, options)
    assert results.is_valid, [str(error) for error in results.errors]


def test_generated_words_are_not_attributed_to_the_reporter() -> None:
    for described in (report(), report(lang="th"), report(description=THAI, lang="th")):
        indicator = to_stix(described)[1]
        assert from_stix(indicator, {indicator["created_by_ref"]: "Example Bank"}) == described


@pytest.mark.parametrize("scam_type", [*ScamType, "another-word"])
def test_every_scam_type_of_every_kind_has_wording_in_both_languages(scam_type: str) -> None:
    for kind in kinds.every():
        english, thai = (wording.sentence(kind, scam_type, lang) for lang in wording.LANGUAGES)
        assert english.endswith(".")
        assert any("\u0e00" <= char <= "\u0e7f" for char in thai)
