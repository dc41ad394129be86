"""Takes the pictures of README and docs from a hub of the demonstration, with Debian's Chromium.

Run by ``make screenshots``. The pages show the weeks that the demonstration plays. The pictures differ from run to run
in dates, ids and everything that depends on the time of day.
"""

import base64
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from playwright.sync_api import Browser, sync_playwright

from schemas import timestamp
from server.demo.members import KNOWN_FOR, PROVIDER, register
from server.demo.site import DemoHub
from server.demo.weeks import Weeks
from server.features.sandbox import play
from server.store.operators import sessions, users
from server.store.operators.users import OperatorRole, PartnerRole

FOLDER = Path(__file__).parent.parent / "docs" / "pictures"
MOST_BYTES = 80_000
_QUALITY = 70
_HOUR = 3_600 * 1_000_000
_HEIGHT = 860


class Picture(NamedTuple):
    """A picture: its file, the page, the person logged in ("" for none), the language, and the width of the window."""

    name: str
    path: str
    who: str = ""
    language: str = "en"
    width: int = 1280


PICTURES = (
    Picture("front", "/"),
    Picture("trends", "/trends"),
    Picture("reviews", "/console/reviews", "operator"),
    Picture("overview", "/console/", "operator"),
    Picture("accounts", "/partner/accounts", "banker"),
    Picture("sandbox-th", "/partner/sandbox", "banker", "th"),
    Picture("check-th", "/check", "", "th", 390),
)


def main() -> None:
    """Write every picture; exit with an error if one is too large."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        sys.exit("There is no Chromium. As root: apt-get install chromium fonts-noto-core")
    FOLDER.mkdir(exist_ok=True)
    with _served() as (hub, cookies), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for picture in PICTURES:
            image = _taken(browser, hub.address, picture, cookies.get(picture.who))
            if len(image) > MOST_BYTES:
                sys.exit(f"{picture.name} has {len(image)} bytes, more than {MOST_BYTES}")
            (FOLDER / f"{picture.name}.webp").write_bytes(image)
        browser.close()


@contextmanager
def _served() -> Iterator[tuple[DemoHub, dict[str, str]]]:
    """Serve a hub with the weeks of the demonstration; yield the cookie of each person logged in."""
    with tempfile.TemporaryDirectory(prefix="scamfeed-pictures-") as folder:
        hub = DemoHub("Scamfeed", Path(folder) / "hub")
        with timestamp.frozen_at(timestamp.now() - KNOWN_FOR):
            members = register(hub)
        Weeks(hub.hub, members, timestamp.now()).play()
        cookies = {}
        with hub.store.begin() as tx:
            play.start(tx, PROVIDER)
            for who, name, role, partner in (
                ("operator", "Anong K.", OperatorRole.ADMIN, None),
                ("banker", "Malee S.", PartnerRole.ADMIN, PROVIDER),
            ):
                users.add(tx, name, role, "pictures", partner)
                cookies[who] = sessions.begin(tx, users.get(tx, name).id, "full", lasts=_HOUR)
        hub.start()
        try:
            yield hub, cookies
        finally:
            hub.stop()


def _taken(browser: Browser, address: str, picture: Picture, cookie: str | None) -> bytes:
    """Return a picture of the top of a page, as WebP."""
    locale = {"en": "en-GB", "th": "th-TH"}[picture.language]
    context = browser.new_context(
        viewport={"width": picture.width, "height": _HEIGHT}, locale=locale, color_scheme="light"
    )
    if cookie:
        context.add_cookies([{"name": "session", "value": cookie, "url": address}])
    page = context.new_page()
    page.goto(address + picture.path)
    page.wait_for_load_state("networkidle")
    taken = context.new_cdp_session(page).send("Page.captureScreenshot", {"format": "webp", "quality": _QUALITY})
    context.close()
    return base64.b64decode(taken["data"])


if __name__ == "__main__":
    main()
