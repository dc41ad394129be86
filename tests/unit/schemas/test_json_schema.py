"""The published JSON Schemas match the models."""

import json

import pytest
from jsonschema import Draft202012Validator, ValidationError

from schemas.json_schema import FOLDER, documents
from schemas.tabular import ReportReader


def test_published_schemas_match_the_models() -> None:
    """If this fails, run ``make generate``."""
    published = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.json")}
    assert published == documents()


def test_a_report_as_json_passes_its_schema_and_a_bad_one_does_not() -> None:
    schema = json.loads(documents()["report.schema.json"])
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    columns = {"reporter": "Example Bank", "reported_at": "2026-01-15T08:00:00Z", "kind": "domain"}
    report = ReportReader(columns).report({"value": "shop.example.com"}).model_dump(mode="json", exclude_none=True)
    validator.validate(report)
    with pytest.raises(ValidationError, match="purple"):
        validator.validate({**report, "tlp": "purple"})
