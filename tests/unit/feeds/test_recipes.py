"""Every feed in the documentation can be built."""

import re
import tomllib
from pathlib import Path

import pytest

from feeds.connectors import build
from feeds.runs.due import cron_trigger

DOCS = Path(__file__).parents[3] / "docs"
BLOCKS = [
    (page.name, number, block)
    for page in sorted([*DOCS.glob("*.md"), *DOCS.glob("connectors/*.md")])
    for number, block in enumerate(re.findall(r"^```toml\n(.*?)^```", page.read_text("utf-8"), re.M | re.S))
    # The connector of writing-a-connector.md is complete there and tested with its own suite.
    if "[[feed]]" in block and page.name != "writing-a-connector.md"
]


@pytest.mark.parametrize(("page", "number", "block"), BLOCKS, ids=[f"{page}-{n}" for page, n, _ in BLOCKS])
def test_every_feed_in_the_documents_can_be_built(page: str, number: int, block: str) -> None:
    feeds = [build(table) for table in tomllib.loads(block)["feed"]]
    assert feeds
    for feed in feeds:
        if feed.settings.cron:
            cron_trigger(feed.settings.name, feed.settings.cron)


def test_there_is_a_recipe_for_each_kind_of_partner() -> None:
    headings = re.findall(r"^## (.*)$", (DOCS / "recipes.md").read_text("utf-8"), re.M)
    assert {"A bank", "A platform", "A government"} <= set(headings)
