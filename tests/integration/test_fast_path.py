"""The fast path and the threads give the same responses, and the page cache returns no outdated page."""

import base64
import json
import re
from typing import Any

import pytest

from server.store import collections, log
from server.store.item import Item
from server.store.objects.fast_reads import FastStore, NotFast
from server.store.objects.query import Query
from server.web.taxii import objects
from server.web.taxii.application import call_wsgi
from server.web.taxii.auth import Authenticator
from server.web.taxii.limits import PartnerQuotas
from server.web.taxii.proxies import TrustedProxies
from server.web.taxii.response import TaxiiResponse
from tests.integration.taxii_hub import KNOWN, OBJECTS, TaxiiHub, indicator

MANIFEST = "/feed/collections/room/manifest/"
_IDS = re.compile(rb'"(?:error_id|id)":"[0-9a-f-]{36}"|\d{4}-\d\d-\d\dT[0-9:.]+Z')


ENVELOPE = json.dumps({"objects": [indicator()]}).encode()
BAD = json.dumps({"objects": [{"type": "indicator"}, indicator(id="x")]}).encode()
REQUESTS: list[tuple[str, dict[str, Any]]] = [
    (OBJECTS, {}),
    (OBJECTS.rstrip("/"), {}),
    (OBJECTS, {"HTTP_ACCEPT_ENCODING": "gzip"}),
    (OBJECTS, {"HTTP_ACCEPT_ENCODING": "gzip;q=0, identity"}),
    (OBJECTS + "?limit=7", {}),
    (OBJECTS + "?limit=7", {"HTTP_ACCEPT_ENCODING": "gzip"}),
    (OBJECTS + "?limit=0", {}),
    (OBJECTS + "?limit=7&limit=8", {}),
    (OBJECTS + "?added_after=2199-01-01T00:00:00Z", {}),
    (OBJECTS + "?added_after=2001-01-01T00:00:00%2B07:00", {}),
    (OBJECTS + "?added_after=yesterday", {}),
    (OBJECTS + "?next=nonsense", {}),
    (OBJECTS + f"?match[id]={KNOWN}", {}),
    (OBJECTS + f"?match%5Bid%5D={KNOWN},indicator--x", {}),
    (OBJECTS + "?match[type]=note", {}),
    (OBJECTS + "?match[version]=all&match[spec_version]=2.0,2.1", {}),
    (OBJECTS + "?match[colour]=red", {}),
    (OBJECTS + "?match[id]=", {}),
    (OBJECTS + "?match[id]=%00", {}),
    (OBJECTS + "?match[id]=%ff&x=\xc3\xbc", {}),
    (MANIFEST, {}),
    (MANIFEST + "?limit=3", {}),
    (MANIFEST + "?match[type]=note", {"HTTP_ACCEPT_ENCODING": "gzip"}),
    (f"{OBJECTS}{KNOWN}/", {}),
    (f"{OBJECTS}{KNOWN}", {}),
    (f"{OBJECTS}{KNOWN}/?match[version]=first", {}),
    (f"{OBJECTS}indicator--c7bca6cb-5aba-40e9-8a63-0b1d2c3e4f50/", {}),
    ("/feed/collections/secret/objects/", {}),
    ("/feed/collections/nowhere/objects/", {}),
    ("/feed/collections/box/objects/", {}),
    ("/feed/collections/box/manifest/", {}),
    (OBJECTS, {"HTTP_AUTHORIZATION": "-"}),
    (OBJECTS, {"HTTP_AUTHORIZATION": "Bearer wrong"}),
    (OBJECTS, {"HTTP_AUTHORIZATION": "Basic !"}),
    (OBJECTS, {"HTTP_ACCEPT": "text/html"}),
    (OBJECTS, {"HTTP_ACCEPT": "application/taxii+json;version=2.0"}),
    (OBJECTS, {"HTTP_ACCEPT": "*/*;q=0.1"}),
    (OBJECTS, {"HTTP_ACCEPT": "-"}),
    (OBJECTS, {"method": "POST", "body": ENVELOPE}),
    (OBJECTS, {"method": "POST", "body": BAD}),
    (OBJECTS, {"method": "POST", "body": b"{"}),
    (OBJECTS, {"method": "POST", "body": b'{"objects":5}'}),
    (OBJECTS, {"method": "POST", "body": ENVELOPE, "CONTENT_TYPE": "application/json"}),
    (OBJECTS, {"method": "POST", "body": ENVELOPE, "CONTENT_LENGTH": "999999999"}),
    (OBJECTS, {"method": "POST", "body": ENVELOPE, "HTTP_CONTENT_ENCODING": "gzip"}),
    (OBJECTS, {"method": "POST", "body": ENVELOPE, "HTTP_CONTENT_ENCODING": "br"}),
    ("/feed/collections/secret/objects/", {"method": "POST", "body": ENVELOPE}),
]


def plain(response: TaxiiResponse) -> tuple[int, list[tuple[str, str]], str, bytes]:
    """Remove the parts that differ each time: new ids and times."""
    headers = [(name.lower(), _IDS.sub(b"", value.encode()).decode()) for name, value in response.headers]
    return response.status, sorted(headers), response.content_type, _IDS.sub(b"", response.body)


@pytest.mark.parametrize(("path", "more"), REQUESTS, ids=lambda value: str(value)[:60])
def test_the_fast_path_and_a_thread_give_the_same_response(hub: TaxiiHub, path: str, more: dict[str, Any]) -> None:
    # Each one after itself, so that both have the same store and page cache.
    for _ in range(2):
        in_thread = hub.application.respond(hub.environ(path, **more))
        fast = hub.application.respond_fast(hub.environ(path, **more))
        if fast is not None:
            assert plain(fast) == plain(in_thread)
        status, headers, body = call_wsgi(hub.application, hub.environ(path, **more))
        assert int(status[:3]) == in_thread.status
        named = dict(headers)
        assert (named["Content-Type"], named["Content-Length"]) == (in_thread.content_type, str(len(body)))


def test_the_object_endpoints_are_answered_without_the_framework(hub: TaxiiHub) -> None:
    def never(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        raise AssertionError(environ["PATH_INFO"])

    hub.application._web = never
    others: list[tuple[str, dict[str, Any]]] = [
        (f"{OBJECTS}{KNOWN}/versions/", {}),
        (f"{OBJECTS}{KNOWN}/", {"method": "DELETE"}),
        (OBJECTS, {"method": "HEAD"}),
        (OBJECTS, {"method": "PUT"}),
        (OBJECTS, {"method": "OPTIONS"}),
        (OBJECTS.replace("room", "r\xc3\xb6\xc3\xb6m"), {}),
    ]
    for path, more in [*REQUESTS, *others]:
        assert hub.application.respond(hub.environ(path, **more)).status != 500
    assert hub.application.respond(hub.environ("/taxii2/")).status == 500


def test_cached_page_equals_a_new_page(hub: TaxiiHub) -> None:
    status, first, body = hub.get(OBJECTS + "?limit=35")
    assert status == "200 OK"
    assert json.loads(body)["more"]
    hub.add(indicator())
    again = hub.get(OBJECTS + "?limit=35")
    assert again == (status, first, body)
    assert again[2] is body


def test_cached_page_is_rebuilt_after_a_newer_version_of_an_object(hub: TaxiiHub) -> None:
    before = json.loads(hub.get(OBJECTS + "?limit=35")[2])["objects"]
    hub.add(indicator(id=KNOWN, modified="2026-02-01T00:00:00.000Z"))
    after = json.loads(hub.get(OBJECTS + "?limit=35")[2])["objects"]
    assert KNOWN in {item["id"] for item in before}
    assert KNOWN not in {item["id"] for item in after}
    assert len(after) == 35


def test_cached_page_is_rebuilt_after_a_deletion(hub: TaxiiHub) -> None:
    hub.get(OBJECTS + "?limit=35")
    with hub.store.begin() as tx:
        assert log.delete(tx, hub.collection, Query(ids=(KNOWN,))) == 1
    after = json.loads(hub.get(OBJECTS + "?limit=35")[2])["objects"]
    assert KNOWN not in {item["id"] for item in after}


def test_cached_page_is_served_to_authorised_readers_only(hub: TaxiiHub) -> None:
    hub.get(OBJECTS + "?limit=35")
    with hub.store.begin() as tx:
        collections.revoke(tx, "bank", hub.collection)
    assert hub.get(OBJECTS + "?limit=35")[0] == "404 Not Found"
    with hub.store.begin() as tx:
        collections.grant(tx, "bank", hub.collection, read=True)
    assert hub.get(OBJECTS + "?limit=35")[0] == "200 OK"


def test_a_password_is_never_verified_on_the_fast_path(hub: TaxiiHub) -> None:
    assert FastStore(hub.store, 0.003).is_fast
    assert not FastStore(hub.store).is_fast
    basic = base64.b64encode(b"bank:not-the-password").decode()
    environ = hub.environ(OBJECTS, "POST", ENVELOPE, HTTP_AUTHORIZATION=f"Basic {basic}")
    assert hub.application.respond_fast(hub.environ(OBJECTS, HTTP_AUTHORIZATION=f"Basic {basic}")) is None
    answer = hub.application.refuse_body(environ)
    assert answer is not None
    assert answer.status == 401


def test_slow_requests_are_not_answered_on_the_fast_path(hub: TaxiiHub) -> None:
    with hub.store.begin() as tx:
        log.append(tx, hub.collection, [Item(f"x--{n}", "x", "2.1", None, False, b"{}") for n in range(20_000)])
    hasty = FastStore(hub.store, 0.0)
    with pytest.raises(NotFast), hasty.read() as tx:
        log.page(tx, hub.collection, Query())
    with pytest.raises(NotFast), hasty.begin():
        pass
    # The same connection then serves a partner with a smaller request.
    patient = FastStore(hub.store, 60.0)
    with patient.read() as tx:
        assert len(log.page(tx, hub.collection, Query(limit=10)).bodies) == 10


def test_a_body_is_refused_by_its_head(hub: TaxiiHub) -> None:
    def refused(path: str, **more: str) -> int | None:
        response = hub.application.refuse_body(hub.environ(path, "POST", ENVELOPE, **more))
        return response.status if response else None

    assert refused(OBJECTS) is None
    assert refused(OBJECTS, HTTP_AUTHORIZATION="Bearer wrong") == 401
    assert refused("/feed/collections/secret/objects/") == 404
    assert refused(OBJECTS, CONTENT_TYPE="text/plain") == 415
    assert refused(OBJECTS, CONTENT_LENGTH="999999999") == 413
    assert hub.application.body_limit(hub.environ("/taxii2/", "POST")) == 64 * 1024
    assert hub.application.body_limit(hub.environ(OBJECTS, "POST")) == 100 * 1024 * 1024


def test_request_tried_on_both_paths_is_counted_once(hub: TaxiiHub) -> None:
    hub.application._authenticator = Authenticator(TrustedProxies(), PartnerQuotas(requests_per_minute=2))
    for _ in range(2):
        environ = hub.environ(OBJECTS, "POST", ENVELOPE)
        assert hub.application.refuse_body(environ) is None
        assert hub.application.respond(environ).status == 202
    assert hub.application.respond(hub.environ(OBJECTS)).status == 429


def test_body_counts_for_its_partner_from_the_first_byte(hub: TaxiiHub) -> None:
    def owner(path: str = OBJECTS, method: str = "POST", **more: str) -> str:
        environ = hub.environ(path, method, ENVELOPE, **more)
        hub.application.identify(environ)
        return hub.application.owner(environ)

    assert owner() == "partner bank"
    assert owner(HTTP_AUTHORIZATION="Bearer wrong") == "127.0.0.1"
    # The credentials of a read are verified when the worker starts it.
    assert owner(method="GET") == "127.0.0.1"


def test_too_long_search_is_refused_with_advice(hub: TaxiiHub, monkeypatch: pytest.MonkeyPatch) -> None:
    with hub.store.begin() as tx:
        log.append(tx, hub.collection, [Item(f"x--{n}", "x", "2.1", None, False, b"{}") for n in range(20_000)])
    sparse = ("match[type]=malware", "match[version]=2001-01-01T00:00:00Z", "match[spec_version]=2.0")
    for path in (OBJECTS, MANIFEST):
        for query in sparse:
            assert hub.get(f"{path}?{query}")[::2] == ("200 OK", b"{}")
    monkeypatch.setattr(objects, "_SEARCH_SECONDS", 0)
    for path in (OBJECTS, MANIFEST):
        for query in sparse:
            status, _, body = hub.get(f"{path}?{query}")
            assert status == "400 Bad Request"
            assert json.loads(body)["error_code"] == "search-too-long"
        # A request by ids, or for all objects, does not count as a search.
        assert hub.get(f"{path}?match[id]={KNOWN}&match[type]=indicator")[0] == "200 OK"
        assert hub.get(path)[0] == "200 OK"
