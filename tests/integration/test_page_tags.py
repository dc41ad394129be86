"""Large pages have an entity tag that changes with them, and final pages are cacheable forever."""

import json
from typing import Any

import pytest

from server.store import collections, log
from server.store.collections import Collection
from server.store.database import times
from server.store.item import Item
from server.store.objects import ends
from server.store.objects.query import Query, Versions
from server.web.taxii.page_cache import PageCache
from tests.integration.taxii_hub import KNOWN, OBJECTS, TaxiiHub, indicator

FINAL = "private, max-age=31536000, immutable"
FULL = OBJECTS + "?limit=35"
EVERY = "?match[version]=all&limit=35"
LARGE: dict[str, Any] = {"name": "x" * 500}


def tag_of(hub: TaxiiHub, path: str = FULL, **more: str) -> str:
    status, headers, _ = hub.get(path, **more)
    assert status == "200 OK"
    return headers["ETag"]


@pytest.fixture
def released(hub: TaxiiHub) -> Collection:
    """A collection filled by the release rules, with forty objects."""
    with hub.store.begin() as tx:
        made, _ = collections.add_released(tx, "listings", "Listings")
        collections.grant(tx, "bank", made, read=True)
        log.append(tx, made, [Item.of(indicator(**LARGE)) for _ in range(40)])
        return made


def test_client_with_the_current_page_gets_no_new_one(hub: TaxiiHub) -> None:
    tag = tag_of(hub)
    for had in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        status, headers, body = hub.get(FULL, HTTP_IF_NONE_MATCH=had)
        assert (status, body) == ("304 Not Modified", b"")
        assert headers == {"ETag": tag, "Cache-Control": "private, no-cache", "Vary": "Accept-Encoding"}
    assert hub.get(FULL, HTTP_IF_NONE_MATCH='"other"')[0] == "200 OK"
    assert hub.get(FULL, REQUEST_METHOD="HEAD", HTTP_IF_NONE_MATCH=tag)[0] == "304 Not Modified"


def test_tag_is_the_same_in_every_process(hub: TaxiiHub) -> None:
    tag = tag_of(hub)
    hub.application._objects._pages = PageCache()
    assert hub.get(FULL, HTTP_IF_NONE_MATCH=tag)[0] == "304 Not Modified"


def test_each_encoding_and_page_has_its_own_tag(hub: TaxiiHub) -> None:
    asked = [{}, {"HTTP_ACCEPT_ENCODING": "gzip"}, {"HTTP_ACCEPT_ENCODING": "zstd"}]
    tags = {tag_of(hub, FULL, **more) for more in asked}
    tags |= {tag_of(hub, OBJECTS + query) for query in ("", "?limit=34", EVERY, "?match[type]=indicator")}
    assert len(tags) == 7


def test_a_page_that_changed_has_another_tag(hub: TaxiiHub) -> None:
    tags = [tag_of(hub)]
    hub.add(indicator(id=KNOWN, modified="2026-02-01T00:00:00.000Z"))
    tags.append(tag_of(hub))
    with hub.store.begin() as tx:
        newest = Query(ids=(KNOWN,), versions=Versions(last=True))
        assert log.delete(tx, hub.collection, newest) == 1
    tags.append(tag_of(hub))
    assert len(set(tags)) == 3
    status, _, body = hub.get(FULL, HTTP_IF_NONE_MATCH=tags[1])
    assert status == "200 OK"
    assert KNOWN in {item["id"] for item in json.loads(body)["objects"]}


def test_row_restored_before_the_first_is_on_the_page(hub: TaxiiHub, monkeypatch: pytest.MonkeyPatch) -> None:
    """Deleting a newer version restores a version added long before any row of the page."""
    now = times.now()

    def in_hours(hours: int, *objects: dict[str, Any]) -> None:
        with monkeypatch.context() as meanwhile:
            meanwhile.setattr(ends, "now", lambda: now + hours * 3_600_000_000)
            hub.add(*objects)

    with hub.store.read() as tx:
        early = [json.loads(body) for body in log.page(tx, hub.collection, Query()).bodies]
    in_hours(1, *(indicator(**LARGE) for _ in range(40)))
    in_hours(2, *(item | {"modified": "2026-02-01T00:00:00.000Z"} for item in early))
    before = tag_of(hub)
    with hub.store.begin() as tx:
        assert log.delete(tx, hub.collection, Query(ids=(KNOWN,))) == 1
    status, _, body = hub.get(FULL, HTTP_IF_NONE_MATCH=before)
    assert status == "200 OK"
    assert json.loads(body)["objects"][0]["id"] == KNOWN


def test_a_full_page_of_every_version_never_changes(hub: TaxiiHub, released: Collection) -> None:
    path = f"/feed/collections/{released.id}/objects/{EVERY}"
    _, headers, body = hub.get(path)
    assert headers["Cache-Control"] == FINAL
    with hub.store.begin() as tx:
        first = json.loads(body)["objects"][0]["id"]
        log.append(tx, released, [Item.of(indicator(id=first, modified="2026-02-01T00:00:00.000Z"))])
        log.append(tx, released, [Item.of(indicator(**LARGE)) for _ in range(40)])
    assert hub.get(path)[1:] == (headers, body)
    hub.application._objects._pages = PageCache()
    assert hub.get(path)[1:] == (headers, body)
    # Its last page grows, and a page of the newest versions loses superseded ones.
    for query in ("?match[version]=all", "?limit=35"):
        assert hub.get(f"/feed/collections/{released.id}/objects/{query}")[1]["Cache-Control"] == "private, no-cache"


def test_pages_of_rooms_are_never_final(hub: TaxiiHub) -> None:
    assert hub.get(OBJECTS + EVERY)[1]["Cache-Control"] == "private, no-cache"


def test_public_collections_are_cacheable_by_any_cache(hub: TaxiiHub, released: Collection) -> None:
    hub.application._objects._pages = PageCache(public=["listings"])
    path = f"/feed/collections/{released.id}/objects/"
    assert hub.get(path + EVERY)[1]["Cache-Control"] == "public, max-age=31536000, immutable"
    assert hub.get(path)[1]["Cache-Control"] == "public, no-cache"
    assert hub.get(FULL)[1]["Cache-Control"] == "private, no-cache"


def test_tag_is_sent_to_authorised_readers_only(hub: TaxiiHub) -> None:
    tag = tag_of(hub)
    with hub.store.begin() as tx:
        collections.revoke(tx, "bank", hub.collection)
    assert hub.get(FULL, HTTP_IF_NONE_MATCH=tag)[0] == "404 Not Found"


def test_small_pages_have_no_tag(hub: TaxiiHub) -> None:
    assert "ETag" not in hub.get(OBJECTS + "?limit=2")[1]


def test_only_a_trusted_proxy_learns_of_cached_pages(hub: TaxiiHub) -> None:
    asked = {"HTTP_X_ORIGINAL_URI": FULL, "HTTP_X_ORIGINAL_METHOD": "GET"}
    assert hub.get("/cached-page", **asked)[0] == "404 Not Found"
