"""Every page of the table of routes, as its first links reach it, passes the checks of a screen."""

import re
from collections.abc import Iterator

import pytest

from server.release.hub import Hub
from server.store import collections
from server.store.database.engine import Tx
from server.store.operators.users import OperatorRole, PartnerRole
from server.web.shell import routes
from tests import operators_desk, review_queue
from tests.browser.hub import BrowsedHub, open_hub, start_session
from tests.browser.screens import Screen

# Files, what a login of another kind opens, and a page that is shown once.
_NO_PAGES = re.compile(r"/file$|\.csv$|^/login/oidc|^/me/passkeys/new$|^/report$|^/partner/certificate$|^/object/sent$")
_PARTNER_OF = {"partner-admin": operators_desk.INSTITUTION}


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowsedHub]:
    """Serve a hub of this module: others change what their hub has."""
    with open_hub(tmp_path_factory.mktemp("pages")) as found:
        yield found


@pytest.fixture(scope="module")
def furnished(hub: BrowsedHub) -> BrowsedHub:
    """Fill the hub with work for operators and partners."""
    operators_desk.fill(Hub(hub.store))
    review_queue.fill(Hub(hub.store))
    with hub.store.begin() as tx:
        _let_contribute(tx)
    return hub


def _let_contribute(tx: Tx) -> None:
    collections.grant(tx, operators_desk.INSTITUTION, collections.get(tx, "inbox"), write=True)


@pytest.mark.parametrize("who", ["anybody", "admin", "partner-admin"])
def test_every_page_passes_the_checks(screen_of_each: Screen, furnished: BrowsedHub, who: str) -> None:
    if who == "admin":
        start_session(screen_of_each, furnished, OperatorRole.ADMIN)
    elif who != "anybody":
        start_session(screen_of_each, furnished, PartnerRole.ADMIN, _PARTNER_OF[who])
    pages = [
        route.path
        for route in routes.every()
        if "GET" in route.methods and who in route.who and not _NO_PAGES.search(route.path)
    ]
    waiting = [path for path in pages if "<" not in path]
    forms = {path: re.compile(re.sub("<path:[^>]+>", "[^?#]+", re.sub("<[a-z]+>", "[^/?#]+", path))) for path in pages}
    reached: set[str] = set()
    # An address of a page with a parameter is opened once, as the first link to it has it.
    while waiting:
        path = waiting.pop()
        reached |= {page for page in pages if forms[page].fullmatch(path)}
        page = screen_of_each.open(path)
        links = page.evaluate("[...document.querySelectorAll('main a[href]')].map(link => link.getAttribute('href'))")
        for link in (link.partition("?")[0].partition("#")[0] for link in links):
            new = next((page for page in pages if "<" in page and forms[page].fullmatch(link)), "")
            if new and new not in reached and link not in pages:
                reached.add(new)
                waiting.append(link)
    assert len(reached) > {"anybody": 8, "admin": 40, "partner-admin": 25}[who], sorted(set(pages) - reached)
