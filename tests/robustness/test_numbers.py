"""Numbers from outside that are none, or that have thousands of digits: each is refused by its name, or cut."""

from collections.abc import Iterator
from urllib.parse import quote

import pytest

from schemas.whole_numbers import whole_number
from server.web.api import table
from server.web.api.routes import ApiRoute
from tests.conformance.deployment import Deployment
from tests.conformance.peer import Peer

DIGITS = "9" * 5_000
NONE = [
    *("-1", "+1", " 1", "1 ", "1.0", "1e3", "1_000", "0x10", "NaN", "Infinity", ""),
    *("\N{FULLWIDTH DIGIT ONE}", "\N{ARABIC-INDIC DIGIT THREE}", "\N{SUPERSCRIPT TWO}", "\N{THAI DIGIT NINE}", "1\0"),
]
LISTINGS = ("objects/", "manifest/")
# A route is asked with the id of a collection, or with a text that names nothing.
ROUTES = [route for route in table.every() if route.method == "GET" and not route.has_events]
HEADERS = ("Range", "Last-Event-ID", "If-None-Match", "Retry-After", "X-Forwarded-For", "Content-Length", "Age")


@pytest.fixture
def member(server: Deployment) -> Iterator[Peer]:
    peer = server.peer("member")
    yield peer
    assert "failure" not in server.log.read_text()


@pytest.mark.parametrize("text", NONE)
def test_text_that_is_no_whole_number_is_not_read(text: str) -> None:
    assert whole_number(text, 10) is None


@pytest.mark.parametrize(
    ("text", "number"), [("0", 0), ("7", 7), ("10", 10), ("11", 10), ("007", 7), ("0" * 5_000, 0), (DIGITS, 10)]
)
def test_large_number_is_cut(text: str, number: int) -> None:
    assert whole_number(text, 10) == number


@pytest.mark.parametrize("listing", LISTINGS)
def test_limit_of_any_length_is_cut_to_the_page(server: Deployment, member: Peer, listing: str) -> None:
    room = server.collection()
    for limit in (DIGITS, "1", "0001", "10001", "9" * 4_301):
        member.send("GET", f"/feed/collections/{room}/{listing}?limit={limit}").ok()


@pytest.mark.parametrize("text", ["0", "000", *NONE])
def test_limit_that_is_no_number_is_refused(server: Deployment, member: Peer, text: str) -> None:
    answer = member.send("GET", f"/feed/collections/{server.database.room}/objects/?limit={quote(text)}")
    assert answer.refused(400)["error_code"] == "bad-limit"


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.id)
def test_number_in_any_parameter_of_the_api_is_answered(server: Deployment, member: Peer, route: ApiRoute) -> None:
    path = route.path.replace("{collection_id}", server.database.room)
    in_query = [one.name for one in route.parameters if f"{{{one.name}}}" not in route.path] or ["number"]
    in_path = [one.name for one in route.parameters if f"{{{one.name}}}" in path]
    for text in (DIGITS, *NONE):
        filled = path
        for name in in_path:
            filled = filled.replace(f"{{{name}}}", quote(text, safe="") or "0")
        for name in in_query:
            answer = member.send("GET", f"{filled}?{name}={quote(text)}", {"Accept": "*/*"})
            assert answer.status < 500, (name, text[:20], answer.body)


@pytest.mark.parametrize("name", HEADERS)
def test_number_in_a_header_is_answered(server: Deployment, member: Peer, name: str) -> None:
    for path in (f"/feed/collections/{server.database.room}/objects/", "/health", "/api/openapi.json"):
        for text in (DIGITS, "-1", "1.5", "bytes=0-" + DIGITS):
            head = f"GET {path} HTTP/1.1\r\nHost: x\r\n{name}: {text}\r\nAuthorization: {member.authorization}\r\n\r\n"
            assert 200 <= int(member.raw(head.encode()).split(b" ", 2)[1]) < 500
