"""Attacks on every page of the route table, including pages added later."""

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from flask import Flask

from mappers import ids
from schemas.partner import FocalFunction, Partner, PartnerKind
from server.app import close, create_app
from server.features.feeds import orders
from server.operations.rights import ANYBODY
from server.settings import Settings
from server.store import Store, feed_state, focal_points, partners
from server.store.database.times import moment, now
from server.store.operators import passkeys, sessions, users
from server.store.operators.users import OperatorRole, PartnerRole
from server.web.shell import routes
from tests.unit.server.web.shell.crawler import CrawledPage, Form, crawl, read
from tests.unit.server.web.shell.people import Visitor, token_of
from tests.unit.server.web.shell.test_reviews import held

HOSTILE = '"><img src=x onerror=alert(1)><script>alert(2)</script>{{7*7}}\u202egnp.exe'
# Invisible characters are not allowed in partner names.
NAME = HOSTILE.replace("\u202e", "")
# Invisible characters are not allowed in partner names.
NAME = HOSTILE.replace("\u202e", "")
LINK = "javascript:alert(document.cookie)//"
HOUR = 3_600 * 1_000_000
GARBAGE = (
    *(HOSTILE, LINK, "x" * 10_000, "\x00", "\ud800", "\r\nSet-Cookie: a=b", "%0d%0aX: y", "../../etc/passwd", "-1"),
    *("9" * 40, "1.2.3.4.5", "[]", "{", "ก" * 300, "", " ", "NaN", "0x10", "1e309", "\u202e", "'; DROP TABLE users--"),
)
OTHERS = (
    "https://evil.example",
    "null",
    "http://localhost.evil.example",
    "http://localhost:1",
    "https://localhost",
    "",
)


@pytest.fixture(scope="module")
def app(initial_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """Serve a hub where every name and text chosen by users is hostile."""
    file = tmp_path_factory.mktemp("attacked") / "hub.db"
    shutil.copy(initial_store, file)
    feed = {"name": "blocklist", "connector": HOSTILE, "every": HOSTILE}
    made = create_app(
        Settings(database_url=f"sqlite:///{file}", access_log="off", background=False, contact=LINK, feed=[feed])
    )
    furnish(made.extensions["scamfeed-store"])
    yield made
    close(made)


def furnish(store: Store) -> None:
    """Fill the store with hostile names and texts."""
    at = moment(now())
    with store.begin() as tx:
        for name in ("First Bank", NAME):
            partners.add(tx, Partner(name=name, kind=PartnerKind.BANK, country="TH", identity=ids.identity(name)))
        focal_points.put(tx, focal_points.HUB, FocalFunction.PREVENTION, LINK)
        counts = {"read": 1, "accepted": 0, "rejected": 1}
        feed_state.record_run(tx, "blocklist", started=at, ended=at, **counts, error=HOSTILE)
        feed_state.add_dead_letter(tx, "blocklist", HOSTILE, b"{}", HOSTILE)
        orders.give(tx, "blocklist", "run", HOSTILE)
        taken = orders.take(tx, "blocklist")
        assert taken is not None
        orders.end(tx, taken, {"read": 1, "reasons": {HOSTILE: 1}, "error": HOSTILE})
    held(store, NAME, [f"of-{number}.example.com" for number in range(2)], rule=HOSTILE)


def person(app: Flask, role: OperatorRole | PartnerRole, partner: str | None = None) -> Visitor:
    """Return a logged-in person with a hostile name and a fresh confirmation."""
    store: Store = app.extensions["scamfeed-store"]
    visitor = Visitor(app.test_client(), f"{HOSTILE} {role} {partner} {now()}")
    with store.begin() as tx:
        users.add(tx, visitor.name, role, HOSTILE, partner)
        user = users.get(tx, visitor.name).id
        users.set_totp(tx, user, b"x" * 40, 0)
        passkeys.add(tx, visitor.name.encode(), user, HOSTILE, b"key", 0)
        visitor.client.set_cookie("session", sessions.begin(tx, user, "full", lasts=HOUR))
    return visitor


@pytest.fixture(scope="module")
def visitors(app: Flask) -> dict[str, Visitor]:
    return {
        "anybody": Visitor(app.test_client()),
        "admin": person(app, OperatorRole.ADMIN),
        "partner-admin": person(app, PartnerRole.ADMIN, NAME),
    }


@pytest.fixture(scope="module")
def pages(visitors: dict[str, Visitor]) -> Callable[[str], list[CrawledPage]]:
    """Return crawlers that visit the pages of every role once."""
    found: dict[str, list[CrawledPage]] = {}

    def pages_of(who: str) -> list[CrawledPage]:
        if who not in found:
            found[who] = list(crawl(visitors[who], STARTS))
        return found[who]

    return pages_of


@pytest.mark.parametrize("either_app", ["postgresql"], indirect=True)
def test_every_page_opens_on_postgresql_too(either_app: Flask) -> None:
    furnish(either_app.extensions["scamfeed-store"])
    for visitor in (person(either_app, OperatorRole.ADMIN), person(either_app, PartnerRole.ADMIN, NAME)):
        for path, answer, page in crawl(visitor, STARTS):
            assert answer.status_code < 500, path
            assert not page.wrong, (path, page.wrong)


def addresses(part: str = "x") -> list[str]:
    return [re.sub("<[^>]+>", lambda _: part, route.path) for route in routes.every()]


STARTS = [address for address, route in zip(addresses(), routes.every(), strict=True) if "GET" in route.methods]


@pytest.mark.long_but("anybody", "partner-admin")
@pytest.mark.parametrize("who", ["anybody", "admin", "partner-admin"])
def test_no_page_executes_or_links_hostile_content(pages: Callable[[str], list[CrawledPage]], who: str) -> None:
    shown = 0
    for path, answer, page in pages(who):
        assert answer.status_code < 500, path
        assert not page.wrong, (path, page.wrong)
        is_public = path.split("?")[0] in ("/", "/check", "/trends") and who == "anybody"
        if not is_public and answer.mimetype == "text/html" and who != "anybody":
            assert answer.headers["Cache-Control"] == "no-store", path
        shown += "gnp.exe" in answer.text
    assert who == "anybody" or shown > 5


# Each round puts other garbage into each field. The quick tests run a few.
ROUNDS = (1, pytest.param(len(GARBAGE), marks=pytest.mark.long))


@pytest.mark.parametrize("rounds", ROUNDS)
@pytest.mark.parametrize("who", ["admin", "partner-admin"])
def test_no_input_breaks_a_form(
    visitors: dict[str, Visitor], pages: Callable[[str], list[CrawledPage]], who: str, rounds: int
) -> None:
    visitor = visitors[who]
    forms: dict[tuple[str, str], Form] = {}
    for _, _, page in pages(who):
        for form in page.forms:
            forms.setdefault((re.sub("[0-9a-f-]{8,}", "x", form.action), str(sorted(form.fields))), form)
    assert len(forms) > 5
    for form in forms.values():
        if form.method != "post" or form.action == "/logout":
            continue
        for number in range(rounds):
            token = token_of(visitor.get("/me").text)
            fields = {
                name: token
                if name == "token"
                else value
                if value and (number + place) % 3 == 0
                else garbage(number, place)
                for place, (name, value) in enumerate(form.fields.items())
            }
            body = "&".join(f"{quote(name)}={encoded(value)}" for name, value in fields.items())
            answer = visitor.client.post(form.action, data=body, content_type="application/x-www-form-urlencoded")
            assert answer.status_code < 500, (form.action, body[:300], answer.text[-300:])
            assert not read(answer).wrong, (form.action, body[:300])


@pytest.mark.long_but("anybody", "partner-admin")
@pytest.mark.parametrize("rounds", ROUNDS)
@pytest.mark.parametrize("who", ["anybody", "admin", "partner-admin"])
def test_no_address_breaks_a_page(visitors: dict[str, Visitor], who: str, rounds: int) -> None:
    names = ("after", "before", "by", "form", "kind", "next", "partner", "period", "q", "rule", "state", "value")
    for number in range(rounds):
        query = "&".join(f"{name}={encoded(garbage(number, place))}" for place, name in enumerate(names))
        parts = addresses(encoded(garbage(number, 0))[:2_000] or "x")
        for address in {*parts, *(f"{address}?{query}" for address in addresses())}:
            answer = visitors[who].get(address)
            assert answer.status_code < 500, address[:600]
            if answer.mimetype == "text/html" and "Content-Security-Policy" in answer.headers:
                assert not read(answer).wrong, (address[:60], read(answer).wrong)


def garbage(number: int, place: int) -> str:
    return GARBAGE[(number * 7 + place) % len(GARBAGE)]


def encoded(text: str) -> str:
    return quote(text.encode("utf-8", "surrogatepass"), safe="")


def test_each_page_accepts_only_its_own_methods(visitors: dict[str, Visitor]) -> None:
    for route, address in zip(routes.every(), addresses(), strict=True):
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"):
            if method in route.methods or (method == "GET" and route.path == "/logout"):
                continue
            for visitor in visitors.values():
                answer = visitor.client.open(address, method=method)
                # Below /console/ and /partner/, a GET of an unknown path returns a page.
                expected = (404, 405) if method != "GET" else (303, 404, 405, 200, 403)
                assert answer.status_code in expected, (method, address, answer.status_code)


def test_no_form_is_accepted_from_another_site(visitors: dict[str, Visitor]) -> None:
    for who, visitor in visitors.items():
        token = token_of(visitor.get("/me" if who != "anybody" else "/login").text)
        for route, address in zip(routes.every(), addresses(), strict=True):
            if "POST" not in route.methods:
                continue
            heads = [{"Origin": origin} for origin in (OTHERS if who == "admin" else OTHERS[:2])]
            heads += [{"Sec-Fetch-Site": site} for site in ("cross-site", "same-site")]
            for head in heads:
                answer = visitor.client.post(address, data={"token": token}, headers=head)
                assert answer.status_code == 403, (who, address, head)


def test_no_changing_form_is_accepted_without_its_session_token(visitors: dict[str, Visitor], app: Flask) -> None:
    other = token_of(person(app, OperatorRole.ADMIN).get("/me").text)
    for visitor in visitors.values():
        for route, address in zip(routes.every(), addresses(), strict=True):
            if "POST" in route.methods and route.changes:
                for data in ({}, {"token": ""}, {"token": "x"}, {"token": other}, {"token": "\u00e9"}):
                    answer = visitor.client.post(address, data=data)
                    to_login = answer.headers.get("Location", "").startswith("/login")
                    assert answer.status_code == 403 or to_login, (address, data)


def test_token_in_the_address_is_ignored(visitors: dict[str, Visitor]) -> None:
    visitor = visitors["admin"]
    token = token_of(visitor.get("/me").text)
    assert visitor.client.post(f"/me?token={quote(token)}").status_code == 403


def test_too_large_or_malformed_form_is_refused_with_a_page(visitors: dict[str, Visitor]) -> None:
    visitor = visitors["admin"]
    begin = b"--a\r\nContent-Disposition: form-data; name=value\r\n\r\n"
    bodies = {
        "application/x-www-form-urlencoded": (b"value=" + b"x" * 600_000, b"&".join(b"f=x" for _ in range(200_000))),
        "multipart/form-data; boundary=a": (
            begin + b"x" * 600_000 + b"\r\n--a--",
            (begin + b"x\r\n") * 2_000 + b"--a--",
        ),
        "multipart/form-data": (b"\xff" * 1_000, b""),
    }
    for content_type, some in bodies.items():
        for body in some:
            for address in ("/check", "/console/explain", "/login"):
                answer = visitor.client.post(address, data=body, content_type=content_type)
                assert answer.status_code in (303, 400, 403, 413, 422), (address, content_type, answer.status_code)
                assert not read(answer).wrong
    answer = visitor.client.post(
        "/check", data=bodies["multipart/form-data; boundary=a"][0], content_type="multipart/form-data; boundary=a"
    )
    assert answer.status_code == 413


def test_host_header_is_in_no_page_of_a_hub_with_an_address(initial_store: Path, tmp_path: Path) -> None:
    shutil.copy(initial_store, tmp_path / "hub.db")
    url = "https://hub.example/scams"
    made = create_app(
        Settings(database_url=f"sqlite:///{tmp_path / 'hub.db'}", access_log="off", background=False, public_url=url)
    )
    furnish(made.extensions["scamfeed-store"])
    try:
        for partner, role in ((None, OperatorRole.ADMIN), ("First Bank", PartnerRole.ADMIN)):
            visitor = person(made, role, partner)
            secret = visitor.client.get_cookie("session")
            assert secret is not None
            for address, route in zip(addresses(), routes.every(), strict=True):
                if "GET" not in route.methods:
                    continue
                answer = made.test_client().get(
                    address,
                    base_url="https://evil.example",
                    headers={"Cookie": f"__Host-session={secret.value}", "X-Forwarded-Host": "evil.example"},
                )
                assert "evil.example" not in answer.text + str(answer.headers), address
                if answer.status_code == 303 and route.who != ANYBODY:
                    assert answer.headers["Location"].startswith("/scams/"), address
    finally:
        close(made)
