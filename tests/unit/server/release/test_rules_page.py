"""The pages that explain the rules show what they give."""

import re
import runpy
from pathlib import Path

import pytest

from schemas import kinds
from schemas.vocabulary import Action

DOCS = Path(__file__).parents[4] / "docs"
PAGE = (DOCS / "release-rules.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["release-rules.md", "consensus.md"])
def test_their_tables_are_as_the_rules_are(name: str) -> None:
    effects = runpy.run_path(str(DOCS / "effects.py"))
    text = (DOCS / name).read_text(encoding="utf-8")
    assert name in [page.name for page in effects["PAGES"]]
    assert "<!-- written by make generate" in text
    assert effects["written"](text) == text


def test_it_shows_every_kind_and_every_grade() -> None:
    shown = set(re.findall(r"`([a-z-]+)`", PAGE))
    assert shown >= {*kinds.every(), *(action.value for action in Action)}
