"""A field declared in ``schemas/report.py`` is known everywhere, as docs/adding-a-field.md promises."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from textwrap import dedent, indent
from typing import Any

import pytest

from schemas import tabular
from schemas.report import FIELDS

ROOT = Path(__file__).parents[3]
PROGRAM = Path(__file__).with_name("field_program.py")
# In addition to the field of the page: a text, a list, a case number and a number.
MORE = """
    script: Annotated[
        Text | None, Field(description="what the caller says"), ReportField(fused=Fusion.SINGLE)
    ] = None
    places: Annotated[
        tuple[Word, ...], Field(description="kinds of places"), ReportField(fused=Fusion.UNION)
    ] = ()
    docket: Annotated[
        Line | None, Field(description="number at court"), ReportField(case_number=True, fused=Fusion.SINGLE)
    ] = None
    callers: Annotated[int | None, Field(ge=0, le=1000, description="how many"), ReportField()] = None
"""
ROW = (
    b'value,Promise,script,places,callers,docket\nshop.example.com,High return,"Pay, then win","market, mall",3,C-77\n'
)


def snippet(name: str) -> str:
    """Return the named code block of docs/adding-a-field.md."""
    page = (ROOT / "docs" / "adding-a-field.md").read_text(encoding="utf-8")
    found = re.search(rf"<!-- {name}: tests add this -->\n *```python\n(.*?)\n *```", page, re.DOTALL)
    assert found, name
    return dedent(found[1])


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return the results for a report with new fields, declared in a copy of ``schemas``."""
    folder = tmp_path_factory.mktemp("copy")
    shutil.copytree(ROOT / "schemas", folder / "schemas", ignore=shutil.ignore_patterns("__pycache__"))
    vocabulary, report = (folder / "schemas" / name for name in ("vocabulary.py", "report.py"))
    vocabulary.write_text(f"{vocabulary.read_text()}\n\n{snippet('vocabulary')}\n")
    text = report.read_text().replace("import WORD_SCHEMA,", "import WORD_SCHEMA, Lure,")
    end = text.index("    def about(self")
    report.write_text(f"{text[:end]}{indent(snippet('field'), '    ')}{MORE}\n{text[end:]}")
    run = subprocess.run(
        [sys.executable, str(PROGRAM)],
        input=ROW,
        env={"PYTHONPATH": f"{folder}:{ROOT}", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr.decode()
    made: dict[str, Any] = json.loads(run.stdout)
    return made


def test_a_table_has_the_field_under_its_name_or_another(result: dict[str, Any]) -> None:
    assert result["fields"] == {
        "lure": "high-return",
        "script": "Pay, then win",
        "places": ["market", "mall"],
        "callers": 3,
    }


@pytest.mark.parametrize("way", ["csv", "jsonl", "stix"])
def test_it_survives_the_round_trip(result: dict[str, Any], way: str) -> None:
    assert result[way]


def test_stix_has_the_field_in_the_extension_and_as_a_label(result: dict[str, Any]) -> None:
    context = {"lure": "high-return", "script": "Pay, then win", "places": ["market", "mall"], "callers": 3}
    assert context.items() <= result["extension"].items()
    assert 'scam:lure="high-return"' in result["labels"]
    assert result["label_fields"]["lure"] == "lure"
    assert result["read_by_label"] == "high-return"


def test_both_json_schemas_describe_it(result: dict[str, Any]) -> None:
    assert result["report_schema"]["lure"]["description"] == "what the victim was promised"
    assert result["extension_schema"]["lure"] == {
        "type": "string",
        "pattern": "^[a-z0-9]+(-[a-z0-9]+)*$",
        "maxLength": 60,
        "description": "what the victim was promised; preferred: high-return, prize, job",
    }
    assert result["extension_schema"]["script"] == {
        "type": "string",
        "maxLength": 2000,
        "description": "what the caller says",
    }
    assert result["extension_schema"]["places"]["type"] == "array"
    assert result["extension_schema"]["callers"] == {
        "type": "integer",
        "minimum": 0,
        "maximum": 1000,
        "description": "how many",
    }


def test_the_consensus_fuses_it_as_declared(result: dict[str, Any]) -> None:
    alone, fused = result["alone"], result["fused"]
    assert (alone["lure"], alone["script"], alone["places"]) == ("high-return", "Pay, then win", ["mall", "market"])
    assert (fused["lure"], fused["places"]) == ("job", ["mall", "market"])
    assert "script" not in fused
    assert "callers" not in alone  # declared without a fusion


def test_change_makes_a_new_version_if_declared(result: dict[str, Any]) -> None:
    assert result["new_lure_is_news"]
    assert not result["new_script_is_news"]


def test_its_text_is_checked_for_personal_data(result: dict[str, Any]) -> None:
    assert result["personal_data"].startswith("script: ")
    assert result["no_personal_data"] == ""


def test_possibly_personal_case_number_is_not_published(result: dict[str, Any]) -> None:
    assert result["alone"]["docket"] == "C-77"
    assert "docket" not in result["numbered"]
    assert result["numbered"]["lure"] == "high-return"


def test_every_column_of_a_report_is_documented() -> None:
    page = (ROOT / "docs" / "reports.md").read_text(encoding="utf-8")
    assert set(tabular.column_names()) <= set(re.findall(r"`(\w+)`", page))


def test_every_property_and_every_label_belongs_to_one_field() -> None:
    for names in (
        [field.extension_property for field in FIELDS.values() if field.extension_property],
        [field.declaration.label for field in FIELDS.values() if field.declaration.label],
        [name for field in FIELDS.values() for name in field.declaration.names],
    ):
        assert len(names) == len(set(names))
