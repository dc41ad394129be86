"""The hub that the browser visits, served from a store with some data of every kind."""

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyotp

from mappers import ids
from mappers.indicator import to_stix
from schemas import timestamp
from schemas.partner import FocalFunction, Partner, PartnerKind
from schemas.tabular import ReportReader
from server.features.trends import publications
from server.features.trends.counts import DAY
from server.features.trends.days import month_of
from server.features.trends.publications import PublishedCell
from server.release.contribute import contribute
from server.release.hub import Hub
from server.setup import set_up
from server.store import Store, focal_points, inbox, partners, reviews
from server.store.database.times import now
from server.store.item import Item
from server.store.operators import sessions, users
from server.store.operators.users import OperatorRole, PartnerRole
from server.store.reviews import HeldObject
from tests.browser.screens import Screen
from tests.integration.peers import scamfeed

LISTED = "parcel-refund.example.com"
FOUND_BY_MANY = ("First Bank", "Second Bank", "Police")
PASSWORD = "correct horse battery staple"
HOSTILE = '<img src=x onerror="alert(1)">'
_HOUR = 60 * 60 * 1_000_000


@dataclass(frozen=True)
class BrowsedHub:
    """A running hub: its address and its store."""

    address: str
    store: Store


@contextmanager
def open_hub(folder: Path) -> Iterator[BrowsedHub]:
    """Make the store, fill it, and serve it."""
    store = Store.open(f"sqlite:///{folder / 'hub.db'}")
    set_up(store, "Hub of the Tests")
    with store.begin() as tx:
        for name in (*FOUND_BY_MANY, HOSTILE):
            authority = frozenset(("domain",)) if name == "Police" else frozenset[str]()
            given = {"name": name, "kind": PartnerKind.BANK, "country": "TH", "identity": ids.identity(name)}
            partners.add(tx, Partner(**given, authority=authority, vouched=True))
        focal_points.put(tx, focal_points.HUB, FocalFunction.PREVENTION, "help@hub.example")
    for name in FOUND_BY_MANY:
        report(store, name, LISTED, tlp="clear")
    publish_figures(store)
    try:
        with scamfeed(store.url, folder / "hub.log") as address:
            yield BrowsedHub(address.rstrip("/"), store)
    finally:
        store.close()


def publish_figures(store: Store) -> None:
    """Publish the figures of the last twelve months. Part of the first month is hidden."""
    month = month_of(now() // DAY)
    cells: list[PublishedCell] = []
    for number in range(12, 0, -1):
        total = PublishedCell(month, "reports", "", "", "count", number * 1_000)
        kinds = [total._replace(dimension="kind", word=word, value=number * 300) for word in ("domain", "phone")]
        times = [("p50", 90_000 * number), ("p95", 7_200_000), ("count", 40)]
        cells += [total, *(kinds if number > 1 else ()), total._replace(figure="wrong", measure="at-least", value=6)]
        for figure in ("report-to-listing", "listing-to-read", "delisting-to-all", "objections"):
            cells += [PublishedCell(month, figure, "", "", measure, value) for measure, value in times]
        held = PublishedCell(month, "outcomes", "currency", "held THB", "amount", 8_000_000)
        in_time = PublishedCell(month, "objections", "timeliness", "in-time", "count", 38)
        cells += [held, held._replace(dimension="outcome", word="warned", measure="victims", value=1_200), in_time]
        month = month_of(month - 1)
    with store.begin() as tx:
        publications.publish(tx, "month", cells)


def report(store: Store, partner: str, value: str, *, tlp: str = "green", hold: str = "") -> str:
    """Let a partner report a domain that the rule ``hold`` keeps for review, and return the report's id."""
    given = {"reporter": partner, "kind": "domain", "tlp": tlp, "scam_type": "merchandise"}
    reader = ReportReader({**given, "reported_at": timestamp.text(timestamp.now())})
    objects = to_stix(reader.report({"value": value}))
    [id_] = [obj["id"] for obj in objects if obj["type"] == "indicator"]
    with store.begin() as tx:
        if hold:
            key = inbox.key(partners.space(tx, partner), id_)
            reviews.hold(tx, partner, [HeldObject(key, None, hold, HOSTILE)])
        contribute(Hub(store), tx, partners.get(tx, partner), [Item.of(obj) for obj in objects])
    return str(id_)


@dataclass
class Person:
    """A person with a login: the name, and the second factor once it is set up."""

    name: str
    secret: str = ""
    step: int = 0

    def code(self) -> str:
        """Return an unused code, and wait for one if necessary.

        It is the current code or the next, never the previous one, which a slow machine could send too late.
        """
        while self.step >= int(time.time()) // 30 + 1:
            time.sleep(1)
        self.step = max(self.step + 1, int(time.time()) // 30)
        return pyotp.TOTP(self.secret).at(self.step * 30)


def log_in(screen: Screen, hub: BrowsedHub, role: OperatorRole | PartnerRole, partner: str | None = None) -> Person:
    """Let a new person of a role open the one-time link in this browser and log in."""
    person = Person(f"Somebody {secrets.token_hex(3)}")
    with hub.store.begin() as tx:
        link = users.add(tx, person.name, role, "test", partner)
    page = screen.open(f"/welcome/{link}")
    page.locator("#password").fill(PASSWORD)
    page.locator("#again").fill(PASSWORD)
    page.locator("main button").click()
    page.locator(".qr svg").wait_for()
    screen.check()
    person.secret = page.locator("main .small code").inner_text()
    page.locator("#code").fill(person.code())
    page.locator("main button").click()
    page.wait_for_url("**/console/" if partner is None else "**/partner/**")
    return person


def start_session(
    screen: Screen, hub: BrowsedHub, role: OperatorRole | PartnerRole, partner: str | None = None
) -> None:
    """Log this browser in as a new person of a role.

    The session starts like the last step of a login. For tests of later steps: four pages and one password hash fewer
    than ``log_in``.
    """
    with hub.store.begin() as tx:
        name = f"Somebody {secrets.token_hex(3)}"
        users.add(tx, name, role, "test", partner)
        secret = sessions.begin(tx, users.get(tx, name).id, "full", lasts=_HOUR)
    screen.context.add_cookies([{"name": "session", "value": secret, "url": screen.address, "sameSite": "Lax"}])
