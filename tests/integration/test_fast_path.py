"""The object endpoints answer the same with and without the web framework, at a glance and at leisure."""

import base64
import json
import re
from typing import Any

import pytest

from server.http.messages import call_wsgi
from server.store import collections, log
from server.store.fast_reads import FastStore, NotFast
from server.store.item import Item
from server.store.query import Query
from server.taxii.application import headers
from server.taxii.response import Undecided
from tests.integration.room import KNOWN, OBJECTS, Room, indicator

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
    (OBJECTS + "?added_after=2099-01-01T00:00:00Z", {}),
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


def plain(status: str, said: list[tuple[str, str]], body: bytes) -> tuple[str, list[tuple[str, str]], bytes]:
    """Leave out what is another each time, ids that are made and moments, and how a status is spelled out."""
    kept = [(name.lower(), _IDS.sub(b"", value.encode()).decode()) for name, value in said]
    return status[:3], sorted(one for one in kept if one[0] != "content-length"), _IDS.sub(b"", body)


@pytest.mark.parametrize(("path", "more"), REQUESTS, ids=lambda value: str(value)[:60])
def test_with_the_framework_and_without_it_the_answer_is_the_same(room: Room, path: str, more: dict[str, Any]) -> None:
    # Each after itself, so that both find the store and the kept pages alike.
    for _ in range(2):
        without, within = (call_wsgi(one, room.environ(path, **more)) for one in (room.hot, room.hot.rest))
        assert plain(*without) == plain(*within)
        at_a_glance = room.hot.quick(room.environ(path, **more))
        if at_a_glance is not None:
            status = f"{at_a_glance.status} {without[0].partition(' ')[2]}"
            assert plain(status, headers(at_a_glance), at_a_glance.body) == plain(*without)


def test_most_of_these_are_answered_without_the_framework(room: Room) -> None:
    def never(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        raise AssertionError(environ["PATH_INFO"])

    room.hot.rest = never
    for path, more in REQUESTS:
        call_wsgi(room.hot, room.environ(path, **more))
    with pytest.raises(AssertionError):
        call_wsgi(room.hot, room.environ("/taxii2/"))


def test_a_ready_page_is_the_page_that_is_made(room: Room) -> None:
    status, first, body = room.get(OBJECTS + "?limit=35")
    assert status == "200 OK"
    assert json.loads(body)["more"]
    room.add(indicator())
    again = room.get(OBJECTS + "?limit=35")
    assert again == (status, first, body)
    assert again[2] is body


def test_a_ready_page_is_made_anew_when_a_newer_version_takes_an_object_from_it(room: Room) -> None:
    before = json.loads(room.get(OBJECTS + "?limit=35")[2])["objects"]
    room.add(indicator(id=KNOWN, modified="2026-02-01T00:00:00.000Z"))
    after = json.loads(room.get(OBJECTS + "?limit=35")[2])["objects"]
    assert KNOWN in {one["id"] for one in before}
    assert KNOWN not in {one["id"] for one in after}
    assert len(after) == 35


def test_a_ready_page_is_made_anew_when_an_object_of_it_is_deleted(room: Room) -> None:
    room.get(OBJECTS + "?limit=35")
    with room.store.begin() as tx:
        assert log.delete(tx, room.collection, Query(ids=(KNOWN,))) == 1
    after = json.loads(room.get(OBJECTS + "?limit=35")[2])["objects"]
    assert KNOWN not in {one["id"] for one in after}


def test_a_page_is_ready_for_those_alone_who_may_read_it(room: Room) -> None:
    room.get(OBJECTS + "?limit=35")
    with room.store.begin() as tx:
        collections.revoke(tx, "bank", room.collection)
    assert room.get(OBJECTS + "?limit=35")[0] == "404 Not Found"
    with room.store.begin() as tx:
        collections.grant(tx, "bank", room.collection, read=True)
    assert room.get(OBJECTS + "?limit=35")[0] == "200 OK"


def test_a_password_is_never_verified_at_a_glance(room: Room) -> None:
    assert FastStore(room.store, 0.003).at_a_glance
    assert not FastStore(room.store).at_a_glance
    basic = base64.b64encode(b"bank:not-the-password").decode()
    environ = room.environ(OBJECTS, "POST", ENVELOPE, HTTP_AUTHORIZATION=f"Basic {basic}")
    with pytest.raises(Undecided):
        room.hot.early(environ)
    answer = room.hot.early(environ, patient=True)
    assert answer is not None
    assert answer.status == 401


def test_what_takes_long_is_not_answered_at_a_glance(room: Room) -> None:
    with room.store.begin() as tx:
        log.append(tx, room.collection, [Item(f"x--{n}", "x", "2.1", None, False, b"{}") for n in range(20_000)])
    hasty = FastStore(room.store, 0.0)
    with pytest.raises(NotFast), hasty.read() as tx:
        log.page(tx, room.collection, Query())
    with pytest.raises(NotFast), hasty.begin():
        pass
    # The same connection serves the next who asks for less.
    patient = FastStore(room.store, 60.0)
    with patient.read() as tx:
        assert len(log.page(tx, room.collection, Query(limit=10)).bodies) == 10


def test_a_body_is_refused_by_its_head(room: Room) -> None:
    def early(path: str, **more: str) -> int | None:
        answer = room.hot.early(room.environ(path, "POST", ENVELOPE, **more))
        return answer.status if answer else None

    assert early(OBJECTS) is None
    assert early(OBJECTS, HTTP_AUTHORIZATION="Bearer wrong") == 401
    assert early("/feed/collections/secret/objects/") == 404
    assert early(OBJECTS, CONTENT_TYPE="text/plain") == 415
    assert early(OBJECTS, CONTENT_LENGTH="999999999") == 413
    assert early("/taxii2/", CONTENT_LENGTH="999999999") == 413
