"""The context extension is fully documented."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from mappers import common_objects
from schemas import tabular
from schemas.json_schema import EXTENSION_VERSION, extension_schema
from schemas.records import FeedbackEvent
from schemas.vocabulary import Action, HolderStatus, OutcomeWord, PaymentRail

DOCS = Path(__file__).parents[3] / "docs"
PAGE = (DOCS / "extension.md").read_text(encoding="utf-8")
PROPERTIES: dict[str, Any] = extension_schema()["properties"]


def test_the_page_has_every_property_of_the_schema_and_no_other() -> None:
    table = PAGE.partition("## As labels")[0]
    assert sorted(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == sorted(PROPERTIES)


@pytest.mark.parametrize(
    "words", [Action, FeedbackEvent, HolderStatus, OutcomeWord, PaymentRail], ids=lambda words: words.__name__
)
def test_the_page_has_every_word_of_a_closed_vocabulary(words: Any) -> None:
    assert ", ".join(f"`{word}`" for word in words) in PAGE


def test_definition_includes_the_schema() -> None:
    definition = common_objects.extension_definition()
    assert json.loads(definition["schema"]) == extension_schema()
    assert definition["version"] == EXTENSION_VERSION
    assert definition["id"] in PAGE
    Draft202012Validator.check_schema(extension_schema())


def test_every_column_of_a_record_is_explained() -> None:
    page = (DOCS / "records.md").read_text(encoding="utf-8")
    columns = {*tabular.SUBJECT_COLUMNS, *(field for model in tabular.RECORDS.values() for field in model.model_fields)}
    explained = set(re.findall(r"`(\w+)`", page))
    assert columns - {"reporter", "evidence"} <= explained  # the reporter is the sender; evidence is the column sha256
