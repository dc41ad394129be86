"""The tables in the documents match the code, and each of them is complete."""

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from feeds.client.mirror.settings import MirroredHub, MirrorOptions
from schemas import kinds
from schemas.tabular import RECORDS
from schemas.vocabulary import Action
from server.settings import Settings
from server.web.shell import routes
from tools import reference

PAGES = reference.pages()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_tables_of_a_page_match_the_code(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert reference.written(text) == text, "run make generate"


def test_every_table_is_on_one_page() -> None:
    named = [part[2] for page in PAGES for part in reference.PART.finditer(page.read_text(encoding="utf-8"))]
    assert sorted(named) == sorted(reference.TABLES)


@pytest.mark.parametrize("model", [MirroredHub, MirrorOptions, Settings, *RECORDS.values()])
def test_every_field_has_a_row_without_an_empty_cell(model: type[BaseModel]) -> None:
    pages = [*PAGES, reference.DOCS / "connectors" / "README.md"]
    tables = "".join(page.read_text(encoding="utf-8") for page in pages)
    for name in model.model_fields.keys() - {"reporter", "evidence"}:
        rows = re.findall(rf"^\| `{name}` \|.*$", tables, re.MULTILINE)
        assert rows, name
        assert [row for row in rows if "|  |" in row] == []


def test_every_page_for_people_has_a_purpose() -> None:
    assert [route.path for route in routes.every() if not route.view.__doc__] == []


def test_release_rules_show_every_kind_and_every_grade() -> None:
    text = (reference.DOCS / "release-rules.md").read_text(encoding="utf-8")
    assert set(re.findall(r"`([a-z-]+)`", text)) >= {*kinds.every(), *(action.value for action in Action)}
