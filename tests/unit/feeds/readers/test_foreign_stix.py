"""STIX of other makers in their own spellings, and the resulting reports in every column."""

from io import BytesIO
from pathlib import Path
from typing import Any

import orjson
import pytest

from feeds import formats
from feeds.readers.rows import ReportRow, Unreadable
from schemas.errors import Rejected
from schemas.tabular import ReportReader

FOREIGN = Path(__file__).parents[3] / "golden" / "foreign"
MAKERS = sorted(path.stem for path in FOREIGN.glob("*.json"))
GIVEN = {"reporter": "Example Bank", "reported_at": "2030-01-01T00:00:00Z"}


def sample(maker: str) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads((FOREIGN / f"{maker}.json").read_bytes())
    return found


def read(objects: Any) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the reports of ``objects`` without their common fields, and the reasons of the other objects."""
    reports, refused = [], []
    for row in formats.read(BytesIO(orjson.dumps(objects)), name="bundle.json"):
        if isinstance(row, Unreadable):
            refused.append(row.reason)
            continue
        reader = ReportReader(GIVEN)
        try:
            report = reader.complete(row.report) if isinstance(row, ReportRow) else reader.report(row.fields)
        except Rejected as refusal:
            refused.append(refusal.reason)
            continue
        said_of_it = report.model_dump(mode="json", exclude_defaults=True, exclude={"reporter", "valid_until"})
        reports.append({**said_of_it, "tlp": report.tlp.value})
    return reports, refused


def test_there_is_a_sample_of_each_maker() -> None:
    assert MAKERS == ["abuse-ch", "dogesec", "misp", "opencti", "stix-2.0", "txt2stix"]


@pytest.mark.parametrize("maker", MAKERS)
def test_the_reports_are_these_and_no_others(maker: str) -> None:
    reports, _ = read(sample(maker)["bundle"])
    assert reports == sample(maker)["reports"]


@pytest.mark.parametrize("maker", MAKERS)
def test_all_other_objects_have_their_reason(maker: str) -> None:
    _, refused = read(sample(maker)["bundle"])
    assert refused == sample(maker)["refused"]


@pytest.mark.parametrize("maker", MAKERS)
def test_personal_data_is_in_no_message_and_no_raw_text(maker: str) -> None:
    for row in formats.read(BytesIO(orjson.dumps(sample(maker)["bundle"])), name="bundle.json"):
        if isinstance(row, Unreadable) and row.reason == "personal-data":
            assert (row.raw, "4111" in row.message, "@" in row.message) == ("", False, False)


def test_a_marking_with_its_own_id_counts_by_its_definition() -> None:
    objects = sample("opencti")["bundle"]["objects"]
    # The meaning of an undefined marking is unknown.
    without = [obj for obj in objects if obj["id"] != "marking-definition--00000000-0000-4000-8000-0000000000aa"]
    levels = [
        [report["tlp"] for report in read(bundle)[0] if report["value"].startswith("GB33")]
        for bundle in (objects, without)
    ]
    assert levels == [["red"], ["red"]]
