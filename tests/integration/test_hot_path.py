"""The object endpoints answer the same with and without the web framework, at a glance and at leisure."""

import base64
import io
import json
import re
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from schemas.partner import Partner, PartnerKind
from server.app import create_app
from server.settings import Settings
from server.store import Store, collections, log, partners
from server.store.collections import Collection
from server.store.hot import HotStore, NotAtAGlance
from server.store.item import Item
from server.store.query import Query
from server.taxii import gate, hot as hot_path
from server.taxii.answer import Undecided
from server.taxii.hot import Hot, headers
from server.wire.request import run

TAXII = "application/taxii+json;version=2.1"
OBJECTS = "/feed/collections/room/objects/"
MANIFEST = "/feed/collections/room/manifest/"
KNOWN = "indicator--346f90dd-04c0-4b38-9d6b-1f2a52a8a3c1"
_IDS = re.compile(rb'"(?:error_id|id)":"[0-9a-f-]{36}"|\d{4}-\d\d-\d\dT[0-9:.]+Z')


def indicator(**more: Any) -> dict[str, Any]:
    return {
        "type": "indicator",
        "spec_version": "2.1",
        "id": f"indicator--{uuid.uuid4()}",
        "created": "2026-01-01T00:00:00.000Z",
        "modified": "2026-01-01T00:00:00.000Z",
        "pattern": "[domain-name:value = 'scam.example']",
        "pattern_type": "stix",
        "valid_from": "2026-01-01T00:00:00Z",
        **more,
    }


@dataclass(frozen=True)
class Room:
    """An application on a store with forty objects, and who may ask it."""

    hot: Hot
    store: Store
    collection: Collection
    token: str

    def environ(self, path: str, method: str = "GET", body: bytes = b"", **more: str) -> dict[str, Any]:
        path, _, query = path.partition("?")
        given = {
            "REQUEST_METHOD": method,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "HTTP_AUTHORIZATION": f"Bearer {self.token}",
            "HTTP_ACCEPT": TAXII,
            "HTTP_HOST": "hub.example",
            "SERVER_NAME": "hub.example",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body),
            "wsgi.input_terminated": True,
            "wsgi.errors": io.StringIO(),
            **({"CONTENT_TYPE": TAXII, "CONTENT_LENGTH": str(len(body))} if method == "POST" else {}),
            **more,
        }
        return {name: value for name, value in given.items() if value != "-"}

    def get(self, path: str, **more: str) -> tuple[str, dict[str, str], bytes]:
        status, said, body = run(self.hot, self.environ(path, **more))
        return status, dict(said), body

    def add(self, *objects: dict[str, Any]) -> None:
        with self.store.begin() as tx:
            log.append(tx, self.collection, [Item.of(one) for one in objects])


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    url = f"sqlite:///{tmp_path / 'hub.db'}"
    store = Store.open(url)
    store.migrate()
    with store.begin() as tx:
        made = collections.add(tx, "room", "Room")
        collections.add(tx, "secret", "Secret")
        box = collections.add(tx, "box", "Box")
        given = partners.add(tx, Partner(name="bank", kind=PartnerKind.BANK, identity=f"identity--{uuid.uuid4()}"))
        partners.grant(tx, "bank", made, read=True, write=True)
        partners.grant(tx, "bank", box, write=True)
    app = create_app(Settings(database_url=url))
    hot = app.wsgi_app
    assert isinstance(hot, Hot)
    found = Room(hot, store, made, given.token)
    found.add(indicator(id=KNOWN), *(indicator(name="x" * 500) for _ in range(38)), indicator(type="note", **NOTE))
    yield found
    app.extensions["scamfeed-store"].close()
    store.close()


NOTE = {"id": "note--5f6a8c1e-2b1d-4c51-8f3e-7d2c9b0a4e61", "content": "x", "object_refs": [KNOWN]}
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
        without, within = (run(one, room.environ(path, **more)) for one in (room.hot, room.hot.rest))
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
        run(room.hot, room.environ(path, **more))
    with pytest.raises(AssertionError):
        run(room.hot, room.environ("/taxii2/"))


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
        partners.revoke(tx, "bank", room.collection)
    assert room.get(OBJECTS + "?limit=35")[0] == "404 Not Found"
    with room.store.begin() as tx:
        partners.grant(tx, "bank", room.collection, read=True)
    assert room.get(OBJECTS + "?limit=35")[0] == "200 OK"


def test_a_password_is_never_verified_at_a_glance(room: Room) -> None:
    assert HotStore(room.store, 0.003).at_a_glance
    assert not HotStore(room.store).at_a_glance
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
    hasty = HotStore(room.store, 0.0)
    with pytest.raises(NotAtAGlance), hasty.read() as tx:
        log.page(tx, room.collection, Query())
    with pytest.raises(NotAtAGlance), hasty.begin():
        pass
    # The same connection serves the next who asks for less.
    patient = HotStore(room.store, 60.0)
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


@pytest.fixture
def answers(room: Room, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was asked of the database for an answer at a glance, not repeated."""
    made: list[str] = []
    respond = hot_path.respond

    def noted(store: Store, pages: Any, partner: Partner, asked: Any) -> Any:
        made.append(asked.environ["QUERY_STRING"])
        return respond(store, pages, partner, asked)

    monkeypatch.setattr(hot_path, "respond", noted)
    return made


def test_the_same_question_to_an_unchanged_store_is_answered_from_memory(room: Room, answers: list[str]) -> None:
    first, second = (room.hot.quick(room.environ(OBJECTS + "?limit=7")) for _ in range(2))
    assert first is not None
    assert first == second
    assert answers == ["limit=7"]


def test_long_questions_are_answered_and_not_remembered(room: Room, answers: list[str]) -> None:
    query = f"?match[id]={','.join([KNOWN] * 300)}"
    first, second = (room.hot.quick(room.environ(OBJECTS + query)) for _ in range(2))
    assert first is not None
    assert first == second
    assert len(answers) == 2


@pytest.mark.parametrize(
    "other", [{"HTTP_AUTHORIZATION": "Bearer wrong"}, {"HTTP_ACCEPT": "text/html"}, {"HTTP_ACCEPT_ENCODING": "gzip"}]
)
def test_another_question_is_never_answered_by_what_was_said_before(room: Room, other: dict[str, str]) -> None:
    before = room.hot.quick(room.environ(OBJECTS))
    assert room.hot.quick(room.environ(OBJECTS, **other)) != before


def test_whatever_changes_in_the_store_is_seen_by_the_next_request(room: Room) -> None:
    def asked() -> tuple[int, int]:
        answer = room.hot.quick(room.environ(OBJECTS + "?match[type]=indicator"))
        assert answer is not None
        return answer.status, answer.objects_out

    assert asked() == asked() == (200, 39)
    room.add(indicator())
    assert asked() == asked() == (200, 40)
    with room.store.begin() as tx:
        partners.revoke(tx, "bank", room.collection)
    assert asked()[0] == 404
    with room.store.begin() as tx:
        partners.grant(tx, "bank", room.collection, read=True)
    assert asked() == (200, 40)
    with room.store.begin() as tx:
        partners.rotate(tx, "bank", overlap=timedelta(0))
    assert asked()[0] == 401


def test_credentials_that_end_by_the_clock_are_not_outlived_by_an_answer(room: Room) -> None:
    with room.store.begin() as tx:
        partners.rotate(tx, "bank", overlap=timedelta(seconds=0.3))
    environ = room.environ(OBJECTS)
    statuses = set()
    end = time.monotonic() + 1.5
    while time.monotonic() < end:
        answer = room.hot.quick(dict(environ))
        assert answer is not None
        statuses.add(answer.status)
        time.sleep(0.05)
    assert statuses == {200, 401}
    assert answer.status == 401


def test_repeated_answers_count_against_the_rate(room: Room) -> None:
    gate.limit(requests_per_minute=20, objects_per_day=0)
    try:
        statuses = [_status(room) for _ in range(25)]
    finally:
        gate.limit(requests_per_minute=0, objects_per_day=0)
    assert statuses == [200] * 20 + [429] * 5


def _status(room: Room) -> int:
    """Ask as the worker does: at a glance, and at leisure where that will not do."""
    environ = room.environ(OBJECTS)
    answer = room.hot.quick(environ)
    return answer.status if answer is not None else int(run(room.hot, environ)[0][:3])
