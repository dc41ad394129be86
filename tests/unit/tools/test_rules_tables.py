"""The pages that explain the rules show what they give."""

import re
from pathlib import Path

import pytest

from schemas import kinds
from schemas.vocabulary import Action
from tools import rules_tables

PAGE = (rules_tables.DOCS / "release-rules.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", rules_tables.PAGES, ids=lambda page: page.name)
def test_the_tables_of_a_page_are_as_the_rules_are(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert "<!-- written by make generate" in text
    assert rules_tables.written(text) == text, "run make generate"


def test_it_shows_every_kind_and_every_grade() -> None:
    shown = set(re.findall(r"`([a-z-]+)`", PAGE))
    assert shown >= {*kinds.every(), *(action.value for action in Action)}
