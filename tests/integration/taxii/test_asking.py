"""Read requests of partners: pages, media types, methods, addresses."""

import urllib.parse
import uuid

import pytest
import requests

from tests.integration.peers import TAXII
from tests.integration.taxii.conftest import Hub, error_of
from tests.integration.taxii_hub import indicator


def test_headers_say_when_the_ends_of_the_page_were_added(hub: Hub) -> None:
    sent = [indicator(type="tool", id=f"tool--{uuid.uuid4()}") for _ in range(3)]
    hub.ask(hub.objects, "POST", json={"objects": sent})
    query = "?match[id]=" + ",".join(item["id"] for item in sent)
    dates = [
        record["date_added"] for record in hub.ask(f"/feed/collections/{hub.room}/manifest/{query}").json()["objects"]
    ]
    page = hub.ask(f"{hub.objects}{query}&limit=2")
    assert page.headers["X-TAXII-Date-Added-First"] == dates[0]
    assert page.headers["X-TAXII-Date-Added-Last"] == dates[1]
    after = urllib.parse.quote(dates[1])
    rest = hub.ask(f"{hub.objects}{query}&added_after={after}")
    assert rest.json() == {"more": False, "objects": sent[2:]}
    nothing = hub.ask(f"{hub.objects}{query}&added_after={urllib.parse.quote(dates[2])}")
    assert nothing.json() == {}
    assert not any(name.startswith("X-TAXII") for name in nothing.headers)


def test_next_is_valid_without_its_filters_and_with_another_limit(hub: Hub) -> None:
    sent = [indicator(type="tool", id=f"tool--{uuid.uuid4()}") for _ in range(5)]
    hub.ask(hub.objects, "POST", json={"objects": sent})
    first = hub.ask(f"{hub.objects}?limit=2&match[id]=" + ",".join(item["id"] for item in sent)).json()
    rest = hub.ask(f"{hub.objects}?limit=100&next={first['next']}&added_after=2026-01-01T00:00:00Z").json()
    assert first["objects"] + rest["objects"] == sent
    assert rest["more"] is False


@pytest.mark.parametrize(
    "accept",
    ["*/*", None, "application/taxii+json", "APPLICATION/taxii+json; version=2.1;q=0.3", "text/html, */*;q=0.1"],
)
def test_media_type_is_accepted_in_any_spelling(hub: Hub, accept: str | None) -> None:
    for path in (
        "/taxii2/",
        "/feed/",
        "/feed/collections/",
        f"/feed/collections/{hub.room}/",
        f"{hub.objects}?limit=1",
    ):
        answer = hub.ask(path, headers={"Accept": accept})
        assert answer.status_code == 200
        assert answer.headers["Content-Type"] == TAXII


@pytest.mark.parametrize("accept", ["application/json", "application/taxii+json;version=2.0", "text/html"])
def test_other_media_types_are_not_acceptable(hub: Hub, accept: str) -> None:
    for path in ("/taxii2/", "/feed/", hub.objects):
        error_of(hub.ask(path, headers={"Accept": accept}), 406)


def test_head_and_options_change_nothing(hub: Hub) -> None:
    for path in (
        "/taxii2/",
        "/feed/",
        "/feed/collections/",
        f"/feed/collections/{hub.room}/",
        f"{hub.objects}?limit=1",
    ):
        assert hub.ask(path, "HEAD").status_code == 200
        assert hub.ask(path, "HEAD").content == b""
        assert "GET" in hub.ask(path, "OPTIONS").headers["Allow"]
    assert requests.options(hub.url + hub.objects, timeout=60).status_code == 401


def test_a_missing_slash_is_no_redirect(hub: Hub) -> None:
    for path in (
        "/taxii2",
        "/feed",
        "/feed/collections",
        f"/feed/collections/{hub.room}",
        hub.objects[:-1] + "?limit=1",
    ):
        answer = hub.ask(path, headers={"Host": "evil.example"})
        assert answer.status_code == 200
        assert "evil" not in answer.text


def test_api_root_url_matches_any_host(hub: Hub) -> None:
    discovery = hub.ask("/taxii2/", headers={"Host": "feed.bank.example"}).json()
    assert discovery["api_roots"] == ["/feed/"]
    assert discovery["default"] == "/feed/"


def test_alias_works_like_an_id(hub: Hub) -> None:
    assert hub.ask("/feed/collections/room/").json() == hub.ask(f"/feed/collections/{hub.room}/").json()
    assert hub.ask("/feed/collections/room/objects/?limit=1").status_code == 200


def test_every_error_is_a_taxii_error_with_a_logged_id(hub: Hub) -> None:
    for path, method, status in [
        ("/feed/collections/nothing/", "GET", 404),
        ("/feed/status/nothing/", "GET", 404),
        (hub.objects, "PUT", 405),
        (f"{hub.objects}?added_after=yesterday", "GET", 400),
        (f"{hub.objects}?limit=%205", "GET", 400),
        (f"{hub.objects}indicator--{uuid.uuid4()}/", "GET", 404),
        (f"{hub.objects}indicator--{uuid.uuid4()}/", "DELETE", 404),
        (f"{hub.objects}%00/", "GET", 404),
        ("/feed/collections/%00/", "GET", 404),
        ("/feed/status/%00%ff/", "GET", 404),
        ("/dashboard/", "GET", 404),
        ("/", "GET", 404),
    ]:
        resource = error_of(hub.ask(path, method), status)
        assert resource["error_id"] in hub.log.read_text()
    assert "GET" in hub.ask(hub.objects, "PUT").headers["Allow"]
