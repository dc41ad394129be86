"""The pages about connectors: one each, with tables that match the settings."""

import pytest

from feeds import connectors
from tools import connector_pages

PAGES = connector_pages.pages()


@pytest.mark.parametrize("file", sorted(PAGES))
def test_page_matches_the_settings(file: str) -> None:
    assert (connector_pages.FOLDER / file).read_text(encoding="utf-8") == PAGES[file], "run make generate"


def test_removed_connector_has_no_page() -> None:
    written = {page.stem for page in connector_pages.FOLDER.glob("*-p*.md") if page.stem.endswith(("-pull", "-push"))}
    assert written <= connectors.every().keys()
