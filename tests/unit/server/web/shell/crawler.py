"""A crawler that follows links and sends forms like a person, and finds forbidden content in each page."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from werkzeug.test import TestResponse

from tests.unit.server.web.shell.people import Visitor

_BIDI = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_HARMLESS_LINKS = ("/", "#", "mailto:", "https://", "http://", "data:,")
_WHOSE_ADDRESS = ("href", "src", "action", "formaction", "poster", "srcset", "data", "data-hx-get", "data-hx-post")
_NEVER = {"iframe", "object", "embed", "img", "base", "style", "frame", "applet"}


@dataclass
class Form:
    """A form: its target, its method, and its fields with their values."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)


@dataclass
class SeenPage(HTMLParser):
    """A page as parsed by a browser: its links, its forms, and its faults."""

    links: list[str] = field(default_factory=list)
    forms: list[Form] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self._check(tag, given)
        if tag == "a" and given.get("href", "").startswith("/"):
            self.links.append(given["href"])
        elif tag == "form":
            self.forms.append(Form(given.get("action", ""), given.get("method", "get").lower()))
        elif tag in ("input", "select", "textarea", "button") and given.get("name") and self.forms:
            self.forms[-1].fields.setdefault(given["name"], given.get("value", ""))

    def _check(self, tag: str, given: dict[str, str]) -> None:
        if tag in _NEVER:
            self.wrong.append(f"<{tag}>")
        if tag == "script" and not given.get("src", "").startswith("/static/"):
            self.wrong.append(f"a script that is no file of the hub: {given}")
        for name, value in given.items():
            if name.startswith("on") or name in ("style", "srcdoc"):
                self.wrong.append(f"<{tag} {name}>")
            if name in _WHOSE_ADDRESS and value and not value.lower().startswith(_HARMLESS_LINKS):
                self.wrong.append(f"<{tag} {name}={value[:40]}>")


class CrawledPage(NamedTuple):
    """A visited page: its path, its response, and the parsed content."""

    path: str
    answer: TestResponse
    page: SeenPage


def read(answer: TestResponse) -> SeenPage:
    """Parse a page, and find forbidden content in its body or its headers."""
    seen = SeenPage()
    if answer.mimetype == "text/html":
        seen.feed(answer.text)
        if _BIDI.search(answer.text):
            seen.wrong.append("a sign that turns the direction of writing")
    policy = answer.headers.get("Content-Security-Policy", "")
    if "frame-ancestors 'none'" not in policy or "unsafe" in policy or answer.headers["X-Frame-Options"] != "DENY":
        seen.wrong.append("no policy")
    if answer.headers.get("X-Content-Type-Options") != "nosniff":
        seen.wrong.append("its type may be guessed")
    if answer.headers.get("Access-Control-Allow-Origin"):
        seen.wrong.append("others may read it")
    for cookie in answer.headers.getlist("Set-Cookie"):
        parts = {part.strip() for part in cookie.split(";")}
        if not {"HttpOnly", "SameSite=Lax", "Path=/"} <= parts:
            seen.wrong.append(f"a cookie: {sorted(parts)[1:]}")
    target = answer.headers.get("Location", "/")
    if not target.startswith("/") or target.startswith("//") or "\\" in target:
        seen.wrong.append(f"it leads to {target}")
    return seen


def crawl(visitor: Visitor, starts: list[str], *, most: int = 400) -> Iterator[CrawledPage]:
    """Yield each page linked from ``starts``. Of pages that differ only in a name or query, yield three."""
    waiting, known, of_shape = list(dict.fromkeys(starts)), set(starts), dict[str, int]()
    while waiting and most:
        path = waiting.pop(0)
        if urlsplit(path).path in ("/login/oidc", "/taxii2/", "/feed/", "/health") or path.startswith(
            ("/api/", "/static/", "/openapi")
        ):
            continue
        shape = re.sub(r"[^/]*[0-9%][^/]*", "x", unquote(urlsplit(path).path)) + str(sorted(_names(path)))
        of_shape[shape] = of_shape.get(shape, 0) + 1
        if of_shape[shape] > 3:
            continue
        most -= 1
        answer = visitor.get(path)
        seen = read(answer)
        yield CrawledPage(path, answer, seen)
        new = [link for link in [*seen.links, answer.headers.get("Location", "")] if link and link not in known]
        known.update(new)
        waiting += new


def _names(path: str) -> set[str]:
    return {part.partition("=")[0] for part in urlsplit(path).query.split("&") if part}
