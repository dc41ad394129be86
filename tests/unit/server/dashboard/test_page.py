"""The page at ``/``: valid, the same for everybody, and nothing in it that runs or comes from elsewhere."""

import re
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser

import pytest

from server.dashboard import Page, wanted

VOID = {"meta", "link"}


class Reading(HTMLParser):
    """Reads a page, holds its elements to their nesting, and keeps what is in them."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: dict[str, str] = {}
        self.feed(page.decode("utf-8"))
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len({name for name, _ in attrs}) == len(attrs)
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open:
            self.text[self.open[-1]] = self.text.get(self.open[-1], "") + data


def read(title: str = "Our Hub", contact: str = "", *, ready: bool = True) -> Reading:
    return Reading(Page(title, contact).show(ready=ready).body)


@pytest.mark.parametrize(
    ("accept", "takes"),
    [
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", True),
        ("TEXT/HTML", True),
        ("*/*", True),
        ("text/*", True),
        ("", True),
        (None, True),
        ("application/taxii+json;version=2.1", False),
        ("application/taxii+json", False),
        ("application/json", False),
        ("text/html;q=0, */*", False),
    ],
)
def test_a_page_is_for_those_who_take_one(accept: str | None, takes: bool) -> None:
    assert wanted(accept) is takes


def test_the_page_says_what_this_is_how_to_connect_and_how_it_is() -> None:
    page = read()
    assert page.text["h1"] == page.text["title"] == "Our Hub"
    links = [attributes["href"] for tag, attributes in page.elements if tag == "a"]
    assert links == ["taxii2/", "feed/", "openapi.json", "health"]
    assert "credentials" in page.text["p"]
    assert "In service" in page.text["p"]
    assert "Out of service" in read(ready=False).text["p"]


def test_the_page_fits_a_phone_and_a_dark_room() -> None:
    page = read()
    named = {attributes.get("name"): attributes.get("content") for tag, attributes in page.elements if tag == "meta"}
    assert named["viewport"] == "width=device-width, initial-scale=1"
    assert named["color-scheme"] == "light dark"
    assert "prefers-color-scheme: dark" in page.text["style"]
    assert page.elements[0] == ("html", {"lang": "en"})


def test_nothing_on_the_page_runs_or_comes_from_elsewhere() -> None:
    page = read("<script>alert(1)</script>", 'x" onclick="alert(1)')
    assert page.text["h1"] == "<script>alert(1)</script>"
    allowed = {"html", "head", "meta", "link", "title", "style", "body", "main", "header", "section"}
    allowed |= {"h1", "h2", "p", "span", "dl", "dt", "dd", "a"}
    for tag, attributes in page.elements:
        assert tag in allowed
        assert not any(name.startswith("on") or name == "style" for name in attributes)
        for source in (attributes.get("href"), attributes.get("src")):
            assert source is None or source == "data:," or ":" not in source
    assert "url(" not in page.text["style"]


def test_the_policy_lets_this_one_style_through_and_nothing_else() -> None:
    shown = Page("Our Hub", "").show(ready=True)
    headers = dict(shown.headers)
    style = re.search(rb"<style>(.*)</style>", shown.body, re.S)
    assert style is not None
    seal = b64encode(sha256(style[1]).digest()).decode()
    policy = dict(part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";"))
    assert policy == {
        "default-src": "'none'",
        "style-src": f"'sha256-{seal}'",
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize(
    ("contact", "link"),
    [
        ("desk@hub.example", "mailto:desk@hub.example"),
        ("https://hub.example/desk?a=1&b=2", "https://hub.example/desk?a=1&b=2"),
        ("javascript:alert(1)", None),
        ("ring the desk", None),
    ],
)
def test_a_contact_is_a_link_where_it_is_one(contact: str, link: str | None) -> None:
    page = read(contact=contact)
    links = [attributes["href"] for tag, attributes in page.elements if tag == "a"][4:]
    assert links == ([link] if link else [])
    assert contact in page.text["a" if link else "p"]
