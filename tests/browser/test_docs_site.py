"""The documentation of ``make docs``, served by a hub: ``make browser`` builds it before."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser

from server.setup import set_up
from server.store import Store
from tests.browser.screens import WIDTHS, Screen, screen
from tests.integration.peers import scamfeed

SITE = Path(__file__).parents[2] / "site"
PAGES = ("", "for-banks.html", "settings.html", "openapi/requests.html", "openapi/schemas.html", "decisions/")


@pytest.fixture(scope="module")
def docs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve the built site."""
    assert (SITE / "index.html").is_file(), "the site is not built: run make docs"
    folder = tmp_path_factory.mktemp("docs")
    store = Store.open(f"sqlite:///{folder / 'hub.db'}")
    set_up(store)
    with scamfeed(store.url, folder / "log", docs_folder=SITE) as address:
        yield address.rstrip("/")
    store.close()


def look(opened: Screen, path: str) -> None:
    """Open a page: nothing is wider than the screen, asked elsewhere, or against the policy."""
    opened.page.goto(f"{opened.address}/docs/{path}")
    opened.page.wait_for_load_state("networkidle")
    assert opened.page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    assert not opened.wrong, f"{path}: {opened.wrong}"


@pytest.mark.parametrize("width", WIDTHS)
def test_pages_obey_the_policy_of_the_hub(browser: Browser, docs: str, width: int) -> None:
    with screen(browser, docs, width=width) as opened:
        for path in (*PAGES, "terms-th.html"):
            look(opened, path)
            assert "Scamfeed" in opened.page.title()
            assert opened.page.locator("html").get_attribute("lang") == ("th" if path.endswith("-th.html") else "en")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(
    ("word", "page"),
    [
        ("restore", "backup"),
        ("hold", "for-banks"),
        ("ถอนรายการ", "terms-th"),
        ("คัดค้าน", "terms-th"),
    ],
)
def test_search_finds_words_in_both_themes(browser: Browser, docs: str, theme: str, word: str, page: str) -> None:
    with screen(browser, docs) as opened:
        opened.page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
        look(opened, "")
        background = opened.page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (background == "rgb(255, 255, 255)") == (theme == "light")
        opened.page.get_by_role("searchbox", name="Search").first.fill(word)
        opened.page.keyboard.press("Enter")
        result = opened.page.locator(f".pagefind-ui__result-link[href*='{page}.html']").first
        result.wait_for()
        shown = opened.page.locator(".pagefind-ui__results").inner_text()
        assert word in shown
        assert "\u2060" not in shown
        assert f"q={quote(word)}" in opened.page.url
        result.click()
        opened.page.wait_for_url(f"**/docs/{page}.html**")
        assert word in opened.page.locator("article").inner_text().lower()
        assert not opened.wrong, opened.wrong


def test_chosen_theme_is_kept(browser: Browser, docs: str) -> None:
    with screen(browser, docs) as opened:
        look(opened, "")
        while opened.page.evaluate("document.body.dataset.theme") != "dark":
            opened.page.locator(".theme-toggle-content button").click()
        look(opened, "for-banks.html")
        assert opened.page.evaluate("document.body.dataset.theme") == "dark"
