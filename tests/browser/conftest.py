"""One browser and one hub for all tests of a process. Each test has its own screen, per language and width."""

from collections.abc import Iterator

import pytest
from _pytest.mark.structures import ParameterSet
from playwright.sync_api import Browser

from tests.browser.hub import BrowsedHub, open_hub
from tests.browser.screens import LANGUAGES, WIDTHS, Screen, chromium, screen


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="session")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowsedHub]:
    with open_hub(tmp_path_factory.mktemp("browsed")) as found:
        yield found


def _each() -> Iterator[ParameterSet]:
    """Yield each language with each width. The gate has one width for each language; the rest is long."""
    for language in LANGUAGES:
        for width in WIDTHS:
            is_quick = (language == "th") == (width == min(WIDTHS))
            yield pytest.param((language, width), marks=() if is_quick else pytest.mark.long, id=f"{language}-{width}")


@pytest.fixture(params=_each())
def screen_of_each(request: pytest.FixtureRequest, browser: Browser, hub: BrowsedHub) -> Iterator[Screen]:
    """Open a screen of each width in each language."""
    language, width = request.param
    with screen(browser, hub.address, language, width) as opened:
        yield opened


@pytest.fixture
def desk(browser: Browser, hub: BrowsedHub) -> Iterator[Screen]:
    """Open an English screen at desktop width."""
    with screen(browser, hub.address) as opened:
        yield opened
