"""Pages in Thai contain no English: each page of each role, and responses to forms with invalid input."""

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from mappers.indicator import to_stix
from schemas import timestamp
from schemas.tabular import ReportReader
from server.app import close, create_app
from server.features.feeds import orders
from server.release.contribute import contribute
from server.settings import Settings
from server.store import Store, collections, feed_state, log, partners, read_progress, retractions
from server.store.database.times import moment, now
from server.store.item import Item
from server.store.operators import sessions, users
from server.store.operators.users import OperatorRole, PartnerRole
from server.store.retractions import Retraction
from server.web.shell import routes
from tests import operators_desk, review_queue
from tests.browser.hub import publish_figures, report
from tests.searches import WHOLE
from tests.unit.server.release.hubs import hub_on
from tests.unit.server.web.shell.crawler import crawl
from tests.unit.server.web.shell.people import Visitor, token_of
from tests.unit.server.web.shell.thai_reader import ThaiForm, english_in, thai_page, words_of_programs

# Names and texts written by people and partners of this hub stay unchanged.
TYPED = (
    *(operators_desk.REPORTER, operators_desk.DOUBTER, operators_desk.SENDER, operators_desk.INSTITUTION),
    *(review_queue.SENDER, review_queue.PROVIDER, review_queue.CARRIER, "Anong", "Which page shows the shop?"),
)
PROVIDER = operators_desk.INSTITUTION
ROLES: dict[str, tuple[OperatorRole | PartnerRole | None, str | None]] = {
    "anybody": (None, None),
    **{str(role): (role, None) for role in OperatorRole},
    **{f"partner-{role}": (role, PROVIDER) for role in PartnerRole},
    "sender": (PartnerRole.ADMIN, operators_desk.SENDER),
}
STARTS = [
    re.sub("<[^>]+>", "x", route.path)
    for route in routes.every()
    if "GET" in route.methods and route.path != "/login/oidc/back"
]
_HOUR = 3_600 * 1_000_000
_WRONG = "?!"
# Fields for values.
_VALUES = ("value", "values", "about")


@pytest.fixture(scope="module")
def app(initial_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """Serve a hub with some data of every kind."""
    file = tmp_path_factory.mktemp("thai") / "hub.db"
    shutil.copy(initial_store, file)
    feed = {"name": "blocklist", "connector": "urlhaus", "every": "1 h"}
    made = create_app(
        Settings(
            database_url=f"sqlite:///{file}",
            access_log="off",
            background=False,
            feed=[feed],
            country="TH",
            check_rate_limit=0,
        )
    )
    furnish(made.extensions["scamfeed-store"])
    yield made
    close(made)


def furnish(store: Store) -> None:
    hub = hub_on(store)
    review_queue.fill(hub)
    operators_desk.fill(hub)
    publish_figures(store)
    report_accounts(store)
    report(store, PROVIDER, "parcel-refund.example.com")
    delist_after_reading(store, PROVIDER, "taken-back.example.com")
    at = moment(now())
    with store.begin() as tx:
        feed_state.record_run(tx, "blocklist", started=at, ended=at, read=1, accepted=0, rejected=1, error="")
        orders.give(tx, "blocklist", "run", "Anong")


def report_accounts(store: Store) -> None:
    given = {
        "reporter": operators_desk.REPORTER,
        "kind": "bank-account",
        "tlp": "amber",
        "bank": "KBANK",
        "country": "TH",
    }
    reader = ReportReader({**given, "reported_at": timestamp.text(timestamp.now())})
    items = [
        Item.of(obj) for number in ("4567890123", "4567890124") for obj in to_stix(reader.report({"value": number}))
    ]
    with store.begin() as tx:
        contribute(hub_on(store), tx, partners.get(tx, operators_desk.REPORTER), items)


def delist_after_reading(store: Store, reader: str, value: str) -> None:
    report(store, operators_desk.REPORTER, value)
    with store.begin() as tx:
        takedown = collections.get(tx, "takedown")
        read_progress.record_reads(tx, [(reader, takedown.id, log.last_added(tx, takedown) or 0)])
        [listing] = log.latest_of_type(tx, takedown, "indicator", 1)
        [item] = log.latest(tx, takedown, [listing]).values()
        assert item.version is not None
        gone = Retraction(listing, (log.last_added(tx, takedown) or 0) + 1, item.version)
        retractions.retract(tx, {takedown: [gone]}, "operator")


@dataclass
class ThaiVisitor(Visitor):
    """A browser that stays in Thai despite links to other languages, and opens each page once."""

    opened: dict[str, TestResponse] = field(default_factory=dict)

    def get(self, path: str) -> TestResponse:
        plain = re.sub(r"[?&]lang=[a-z]+", "", path)
        if plain not in self.opened:
            self.opened[plain] = super().get(plain)
        return self.opened[plain]


def thai_visitor(app: Flask, role: OperatorRole | PartnerRole | None, partner: str | None) -> Visitor:
    visitor = ThaiVisitor(app.test_client())
    visitor.client.set_cookie("lang", "th")
    if role is not None:
        store: Store = app.extensions["scamfeed-store"]
        name = visitor.name = f"Anong {now()}"
        with store.begin() as tx:
            users.add(tx, name, role, "Anong", partner)
            user = users.get(tx, name)
            visitor.client.set_cookie("session", sessions.begin(tx, user.id, "full", lasts=_HOUR))
    return visitor


def english(path: str, answer: TestResponse) -> list[str]:
    # A report that was asked for in English is in English.
    if answer.mimetype != "text/html" or "language=en" in path:
        return []
    # On a busy machine, the store may be unavailable for a moment, and a page then reports this.
    assert answer.status_code != 500, path
    return [f"{path}: {text}" for text in texts_in_english(answer.text)]


@lru_cache(maxsize=1_000)
def texts_in_english(page: str) -> tuple[str, ...]:
    """Return the texts with English words; many pages are the same when they are opened again."""
    return (*english_in(page, (*TYPED, *map(str.lower, TYPED))), *words_of_programs(page))


@pytest.mark.long_but("admin", "partner-admin")
@pytest.mark.search
@pytest.mark.parametrize("who", ROLES)
def test_no_thai_page_contains_english(app: Flask, who: str) -> None:
    visitor = thai_visitor(app, *ROLES[who])
    found: list[str] = []
    forms: dict[tuple[str, str], tuple[str, ThaiForm]] = {}
    for path, answer, _ in crawl(visitor, STARTS):
        found += english(path, answer)
        if answer.mimetype == "text/html":
            for form in thai_page(answer.text).forms:
                shape = (re.sub("[0-9a-f-]{8,}", "x", form.action), str(sorted(form.fields)))
                forms.setdefault(shape, (path, form))
    token = token_of(visitor.get("/me" if who != "anybody" else "/login").text)
    sent = 0
    for path, form in forms.values():
        if form.method != "post" or urlsplit(form.action).path == "/logout":
            continue
        for way in ("wrong", "chosen", "typed"):
            fields = {name: _given(name, choices, way, token) for name, choices in form.fields.items()}
            answer = visitor.client.post(form.action or path, data=fields)
            found += english(f"{way} {form.action or path}", answer)
            sent += 1
    # The other roles see a part of what these two see.
    if WHOLE or who in ("admin", "partner-admin"):
        visitor.opened.clear()
        for path, answer, _ in crawl(visitor, STARTS):
            found += english(path, answer)
    assert sent or who not in ("admin", "partner-admin")
    assert not found, "\n".join(sorted(set(found)))


@pytest.mark.long_but("admin", "partner-admin")
@pytest.mark.parametrize("who", ROLES)
def test_no_english_page_names_fields_as_programs_do(app: Flask, who: str) -> None:
    visitor = thai_visitor(app, *ROLES[who])
    visitor.client.set_cookie("lang", "en")
    found = {
        f"{path}: {text}"
        for path, answer, _ in crawl(visitor, STARTS)
        if answer.mimetype == "text/html"
        for text in words_of_programs(answer.text)
    }
    assert not found, "\n".join(sorted(found))


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        *(("สวัสดี", ""), ("http://", "url"), ("nobody@", "email"), ("1.2.3.0/24", "ip")),
        *(("0x12", "wallet"), ("4111111111111111", "bank-account"), ("co.th", "domain"), ("191", "phone")),
        *(("123", "payment-alias"), ("a name", "social-account"), ("An app", "app"), ("A company", "company")),
    ],
)
def test_value_refused_on_the_public_page_has_its_reason_in_thai(app: Flask, value: str, kind: str) -> None:
    fields = {"value": value, "kind": kind, "ground": "not-involved"}
    # From its own address, because each one has a daily limit of objections.
    remote = {"REMOTE_ADDR": f"192.0.2.{len(value)}"}
    for page in ("/check", "/object"):
        answer = app.test_client().post(f"{page}?lang=th", data=fields, environ_base=remote)
        assert answer.status_code == 422, page
        assert not list(english_in(answer.text, (value,)))


def _given(name: str, choices: list[str], way: str, token: str) -> str:
    """Return an invalid value for a field, or else its last choice or a valid text."""
    if name == "token":
        return token
    chosen = [choice for choice in choices if choice]
    if way == "wrong" or not (chosen or way == "typed"):
        return _WRONG
    return chosen[-1] if chosen else operators_desk.DISPUTED if name in _VALUES else "Anong"
