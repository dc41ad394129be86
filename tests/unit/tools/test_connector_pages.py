"""The pages about connectors: one each, their tables as the settings are."""

import pytest

from feeds import connectors
from tools import connector_pages

PAGES = connector_pages.pages()


@pytest.mark.parametrize("file", sorted(PAGES))
def test_a_page_says_what_the_settings_are(file: str) -> None:
    assert (connector_pages.FOLDER / file).read_text(encoding="utf-8") == PAGES[file], "run make generate"


def test_there_is_no_page_of_a_connector_that_is_gone() -> None:
    written = {page.stem for page in connector_pages.FOLDER.glob("*-p*.md") if page.stem.endswith(("-pull", "-push"))}
    assert written <= connectors.every().keys()
