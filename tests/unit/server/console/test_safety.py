"""Attacks on every page of the table, so that pages which are added later are attacked too."""

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
from server.console.access import ANYBODY
from server.console.routes import ROUTES
from server.settings import Settings
from server.store import Store, feed_state, focal_points, partners
from server.store.database.times import moment, now
from server.store.feed_orders import orders
from server.store.operators import passkeys, sessions, users
from server.store.operators.users import OperatorRole, PartnerRole
from tests.unit.server.console.crawler import CrawledPage, Form, crawl, read
from tests.unit.server.console.people import Visitor, token_of
from tests.unit.server.console.test_reviews import held

HOSTILE = '"><img src=x onerror=alert(1)><script>alert(2)</script>{{7*7}}\u202egnp.exe'
# What partners may be called: nothing that is not seen.
NAME = HOSTILE.replace("\u202e", "")
# What partners may be called: nothing that is not seen.
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
    """Serve a hub in which every name and text that anybody could choose means no good."""
    file = tmp_path_factory.mktemp("attacked") / "hub.db"
    shutil.copy(initial_store, file)
    feed = {"name": "blocklist", "connector": HOSTILE, "every": HOSTILE}
    made = create_app(Settings(database_url=f"sqlite:///{file}", access_log="off", contact=LINK, feed=[feed]))
    furnish(made.extensions["scamfeed-store"])
    yield made
    close(made)


def furnish(store: Store) -> None:
    """Fill the store with what means no good."""
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
    """Return somebody with a hostile name who is logged in, and proved it a moment ago."""
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
def everybody(app: Flask) -> dict[str, Visitor]:
    return {
        "anybody": Visitor(app.test_client()),
        "admin": person(app, OperatorRole.ADMIN),
        "partner-admin": person(app, PartnerRole.ADMIN, NAME),
    }


@pytest.fixture(scope="module")
def pages(everybody: dict[str, Visitor]) -> Callable[[str], list[CrawledPage]]:
    """Return what crawls the pages of one of everybody, once."""
    found: dict[str, list[CrawledPage]] = {}

    def pages_of(who: str) -> list[CrawledPage]:
        if who not in found:
            found[who] = list(crawl(everybody[who], STARTS))
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
    return [re.sub("<[^>]+>", lambda _: part, route.path) for route in ROUTES]


STARTS = [address for address, route in zip(addresses(), ROUTES, strict=True) if "GET" in route.methods]


@pytest.mark.parametrize("who", ["anybody", "admin", "partner-admin"])
def test_no_page_runs_shows_or_leads_to_what_somebody_else_chose(
    pages: Callable[[str], list[CrawledPage]], who: str
) -> None:
    shown = 0
    for path, answer, page in pages(who):
        assert answer.status_code < 500, path
        assert not page.wrong, (path, page.wrong)
        is_public = path.split("?")[0] in ("/", "/check", "/trends") and who == "anybody"
        if not is_public and answer.mimetype == "text/html" and who != "anybody":
            assert answer.headers["Cache-Control"] == "no-store", path
        shown += "gnp.exe" in answer.text
    assert who == "anybody" or shown > 5


# Each round puts other garbage into each field; the quick tests do a few.
ROUNDS = (1, pytest.param(len(GARBAGE), marks=pytest.mark.long))


@pytest.mark.parametrize("rounds", ROUNDS)
@pytest.mark.parametrize("who", ["admin", "partner-admin"])
def test_no_form_breaks_by_what_is_written_into_it(
    everybody: dict[str, Visitor], pages: Callable[[str], list[CrawledPage]], who: str, rounds: int
) -> None:
    visitor = everybody[who]
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


@pytest.mark.parametrize("rounds", ROUNDS)
@pytest.mark.parametrize("who", ["anybody", "admin", "partner-admin"])
def test_no_address_breaks_a_page(everybody: dict[str, Visitor], who: str, rounds: int) -> None:
    names = ("after", "before", "by", "form", "kind", "next", "partner", "period", "q", "rule", "state", "value")
    for number in range(rounds):
        query = "&".join(f"{name}={encoded(garbage(number, place))}" for place, name in enumerate(names))
        parts = addresses(encoded(garbage(number, 0))[:2_000] or "x")
        for address in {*parts, *(f"{address}?{query}" for address in addresses())}:
            answer = everybody[who].get(address)
            assert answer.status_code < 500, address[:600]
            if answer.mimetype == "text/html" and "Content-Security-Policy" in answer.headers:
                assert not read(answer).wrong, (address[:60], read(answer).wrong)


def garbage(number: int, place: int) -> str:
    return GARBAGE[(number * 7 + place) % len(GARBAGE)]


def encoded(text: str) -> str:
    return quote(text.encode("utf-8", "surrogatepass"), safe="")


def test_each_page_takes_its_own_methods_and_no_others(everybody: dict[str, Visitor]) -> None:
    for route, address in zip(ROUTES, addresses(), strict=True):
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"):
            if method in route.methods or (method == "GET" and route.path == "/logout"):
                continue
            for visitor in everybody.values():
                answer = visitor.client.open(address, method=method)
                # Below /console/ and /partner/ a GET of what is none is answered as by a page.
                expected = (404, 405) if method != "GET" else (303, 404, 405, 200, 403)
                assert answer.status_code in expected, (method, address, answer.status_code)


def test_no_form_is_taken_from_another_site(everybody: dict[str, Visitor]) -> None:
    for who, visitor in everybody.items():
        token = token_of(visitor.get("/me" if who != "anybody" else "/login").text)
        for route, address in zip(ROUTES, addresses(), strict=True):
            if "POST" not in route.methods:
                continue
            heads = [{"Origin": origin} for origin in (OTHERS if who == "admin" else OTHERS[:2])]
            heads += [{"Sec-Fetch-Site": site} for site in ("cross-site", "same-site")]
            for head in heads:
                answer = visitor.client.post(address, data={"token": token}, headers=head)
                assert answer.status_code == 403, (who, address, head)


def test_no_form_that_changes_something_is_taken_without_the_token_of_its_session(
    everybody: dict[str, Visitor], app: Flask
) -> None:
    other = token_of(person(app, OperatorRole.ADMIN).get("/me").text)
    for visitor in everybody.values():
        for route, address in zip(ROUTES, addresses(), strict=True):
            if "POST" in route.methods and route.changes:
                for data in ({}, {"token": ""}, {"token": "x"}, {"token": other}, {"token": "\u00e9"}):
                    answer = visitor.client.post(address, data=data)
                    to_login = answer.headers.get("Location", "").startswith("/login")
                    assert answer.status_code == 403 or to_login, (address, data)


def test_a_token_in_the_address_is_none(everybody: dict[str, Visitor]) -> None:
    visitor = everybody["admin"]
    token = token_of(visitor.get("/me").text)
    assert visitor.client.post(f"/me?token={quote(token)}").status_code == 403


def test_a_form_that_is_too_large_or_none_is_refused_by_a_page(everybody: dict[str, Visitor]) -> None:
    visitor = everybody["admin"]
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


def test_the_host_that_a_request_names_is_in_no_page_where_the_hub_has_an_address(
    initial_store: Path, tmp_path: Path
) -> None:
    shutil.copy(initial_store, tmp_path / "hub.db")
    url = "https://hub.example/scams"
    made = create_app(Settings(database_url=f"sqlite:///{tmp_path / 'hub.db'}", access_log="off", public_url=url))
    furnish(made.extensions["scamfeed-store"])
    try:
        for partner, role in ((None, OperatorRole.ADMIN), ("First Bank", PartnerRole.ADMIN)):
            visitor = person(made, role, partner)
            secret = visitor.client.get_cookie("session")
            assert secret is not None
            for address, route in zip(addresses(), ROUTES, strict=True):
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
