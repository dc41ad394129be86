"""Paging of APIs: the URL of each page, and the position of the next."""

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
from hypothesis import given, settings, strategies as st

from feeds.connector import Misconfigured
from feeds.connectors.http_pull import Paging

BASE = "https://api.example/v1/reports?kind=a&kind=b&empty="


def answer(url: str = BASE, link: str | None = None) -> requests.Response:
    made = requests.Response()
    made.url = url
    if link:
        made.headers["Link"] = link
    return made


@settings(deadline=None)
@given(st.text(min_size=1, max_size=50))
def test_a_cursor_arrives_unchanged(cursor: str) -> None:
    paging = Paging(by="cursor", path="next", parameter="after")
    place = paging.following({}, answer(), {"next": cursor})
    assert place == {"cursor": cursor}
    asked = parse_qsl(urlsplit(paging.url(BASE, place)).query, keep_blank_values=True)
    assert asked == [("kind", "a"), ("kind", "b"), ("empty", ""), ("after", cursor)]


def test_pages_are_counted_from_the_first() -> None:
    paging = Paging(by="page", parameter="p", first=0)
    assert paging.url("https://api.example/?p=9", {}) == "https://api.example/?p=0"
    assert paging.following({}, answer(), None) == {"page": 1}
    assert paging.url("https://api.example/", {"page": 1}) == "https://api.example/?p=1"


@pytest.mark.parametrize(
    ("path", "document", "place"),
    [
        ("next", {"next": "https://api.example/2"}, {"url": "https://api.example/2"}),
        ("meta.next", {"meta": {"next": "?page=2"}}, {"url": "https://api.example/v1/reports?page=2"}),
        ("0.next", [{"next": "/2"}], {"url": "https://api.example/2"}),
        ("-1.next", [{}, {"next": "/2"}], {"url": "https://api.example/2"}),
        ("next", {"next": None}, None),
        ("next", {"next": ""}, None),
        ("next", {"next": False}, None),
        ("next", {}, None),
        ("meta.next", {"meta": 7}, None),
        ("1.next", [{"next": "/2"}], None),
        ("next", "text", None),
    ],
)
def test_the_next_place_is_read_from_a_document(path: str, document: Any, place: Any) -> None:
    assert Paging(by="url", path=path).following({}, answer(), document) == place


@pytest.mark.parametrize("said", [{"a": 1}, ["/2"]])
def test_malformed_url_is_misconfigured(said: Any) -> None:
    with pytest.raises(Misconfigured, match=r"paging\.path"):
        Paging(by="url", path="next").following({}, answer(), {"next": said})


def test_a_header_names_the_next_page() -> None:
    paging = Paging(by="link")
    said = answer(link='</2>; rel="next", </9>; rel="last"')
    assert paging.following({}, said, None) == {"url": "https://api.example/2"}
    assert paging.following({}, answer(), None) is None
