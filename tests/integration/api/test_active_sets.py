"""The active set as a stream, and its digest: what a reader over TAXII counts is what the hub has counted."""

import hashlib
import itertools
import json
import random
import uuid
import zlib
from typing import Any

import pytest
import zstandard

from schemas import timestamp
from server.api import active_sets as endpoints
from server.api.active_sets import DigestFolding
from server.store import collections, jobs, log
from server.store.database import times
from server.store.item import Item
from server.store.liveness import heartbeats
from server.store.objects import digests
from tests.integration.api.conftest import ApiHub

_MODULUS = 1 << 256


def _digest(hub: ApiHub, alias: str, by: str = "reader") -> dict[str, Any]:
    for _ in range(100):
        status, headers, body = hub.ask("GET", f"/api/collections/{alias}/digest", by)
        if status == 200:
            answer: dict[str, Any] = json.loads(body)
            return answer
        assert (status, headers["Retry-After"]) == (503, "2")
    raise AssertionError("never folded")


def _active(hub: ApiHub, alias: str, by: str = "reader", **more: str) -> tuple[dict[str, str], list[dict[str, Any]]]:
    status, headers, body = hub.ask("GET", f"/api/collections/{alias}/active", by, **more)
    assert status == 200
    return headers, [json.loads(line) for line in body.splitlines()]


def _over_taxii(hub: ApiHub, alias: str, by: str = "reader", after: str = "") -> list[dict[str, Any]]:
    query = f"?added_after={after}" if after else ""
    objects: list[dict[str, Any]] = json.loads(hub.ask("GET", f"/feed/collections/{alias}/objects/{query}", by)[2]).get(
        "objects", []
    )
    return objects


def _stands(obj: dict[str, Any], as_of: str) -> bool:
    end = obj.get("valid_until")
    return not obj.get("revoked") and (end is None or timestamp.parse(end) > timestamp.parse(as_of))


def _counted(objects: list[dict[str, Any]], as_of: str) -> dict[str, Any]:
    """Return what the agreement says of these objects, by the shortest way there is."""
    revoked = {obj["id"] for obj in objects if obj.get("revoked")}
    based_on = [obj for obj in objects if obj.get("relationship_type") == "based-on"]
    along = {id_ for obj in based_on for id_ in (obj["id"], obj["target_ref"])}
    standing = {id_ for obj in based_on if obj["source_ref"] not in revoked for id_ in (obj["id"], obj["target_ref"])}
    counted = [obj for obj in objects if _stands(obj, as_of) and (obj["id"] not in along or obj["id"] in standing)]
    named = [f"{obj['id']} {obj.get('modified') or obj.get('created') or ''}" for obj in counted]
    total = sum(int.from_bytes(hashlib.sha256(name.encode()).digest()) for name in named) % _MODULUS
    return {"active": len(named), "digest": f"{total:064x}"}


def _assert_equal(hub: ApiHub, alias: str, by: str = "reader") -> None:
    answer, objects = _digest(hub, alias, by), _over_taxii(hub, alias, by)
    assert {name: answer[name] for name in ("active", "digest")} == _counted(objects, answer["as_of"])


@pytest.fixture(autouse=True)
def _small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take several steps for a few objects."""
    monkeypatch.setattr(digests, "_ROWS", 7)
    monkeypatch.setattr(endpoints, "_ROWS", 5)


def test_the_digest_says_up_to_when_the_collection_is_current(hub: ApiHub) -> None:
    with hub.store.begin() as tx:
        heartbeats.forget(tx, "server")
        heartbeats.beat(tx, "server")
        current = heartbeats.current(tx)
        begun = jobs.begin(tx, "policy apply", {}).begun
    assert current.released is not None
    assert _digest(hub, "takedown")["heartbeat"] == times.stamp(min(begun, current.released))
    with hub.store.begin() as tx:
        jobs.save(tx, "policy apply", {}, ended=True)
    assert times.parse(_digest(hub, "takedown")["heartbeat"]) >= current.released


def test_the_digest_follows_what_happens(hub: ApiHub) -> None:
    chance = random.Random(5)  # noqa: S311 - the same each time
    hub.grant("reader", "takedown-full")
    for alias in ("takedown", "takedown-full"):
        assert _digest(hub, alias)["digest"] == f"{0:064x}"
    values = [f"v{number}.example.com" for number in range(12)]
    for value in values:
        hub.report("bank", value, "domain")
    for step in range(12):
        value = chance.choice(values)
        if step % 3 == 2:
            hub.retract(value, "bank")
            values.remove(value)
        else:
            hub.report("police", value, "domain", scam_type="investment", confidence=str(50 + step))
        if step % 4 == 1:
            for alias in ("takedown", "takedown-full"):
                _assert_equal(hub, alias)
    for alias in ("takedown", "takedown-full"):
        _assert_equal(hub, alias)


def test_a_first_fold_counts_only_what_is_left(hub: ApiHub) -> None:
    for number in range(9):
        hub.report("bank", f"v{number}.example.com", "domain")
    hub.retract("v3.example.com", "bank")
    hub.report("police", "v4.example.com", "domain", scam_type="investment")
    _assert_equal(hub, "takedown")


def test_what_ends_is_counted_until_its_minute(hub: ApiHub, monkeypatch: pytest.MonkeyPatch) -> None:
    moment = times.now()
    soon = timestamp.text(times.moment(moment + 90_000_000))
    hub.report("bank", "soon.example.com", "domain", valid_until=soon)
    hub.report("bank", "later.example.com", "domain")
    before = _digest(hub, "takedown")
    _assert_equal(hub, "takedown")
    monkeypatch.setattr(digests, "now", lambda: moment + 200_000_000)
    after = _digest(hub, "takedown")
    assert after["active"] == before["active"] - 1
    assert after["as_of"] > soon
    _assert_equal(hub, "takedown")
    # What ended is changed and taken back without being counted twice.
    hub.retract("soon.example.com", "bank")
    _assert_equal(hub, "takedown")


def test_the_thread_folds_what_was_asked_for(hub: ApiHub) -> None:
    _digest(hub, "takedown")
    hub.report("bank", "new.example.com", "domain")
    folding = DigestFolding(hub.store)
    folding.fold()
    with hub.store.read() as tx:
        assert digests.is_current(tx, collections.get(tx, "takedown"))
        assert digests.kept(tx) == {collections.get(tx, "takedown").number}
    _assert_equal(hub, "takedown")


def test_a_deleted_object_is_counted_no_more(hub: ApiHub) -> None:
    with hub.store.begin() as tx:
        room = collections.add(tx, "room", "Room")
        collections.grant(tx, "reader", room, read=True, write=True)
        objects = [
            {"type": "note", "spec_version": "2.1", "id": f"note--{uuid.UUID(int=number, version=4)}", "content": "x"}
            | {"created": f"2026-01-01T00:00:0{number}Z", "modified": f"2026-01-01T00:00:0{number}.5Z"}
            for number in range(9)
        ]
        log.append(tx, room, [Item.of(obj) for obj in objects])
    _assert_equal(hub, "room")
    assert hub.ask("DELETE", f"/feed/collections/room/objects/{objects[4]['id']}/")[0] == 200
    _assert_equal(hub, "room")
    assert _digest(hub, "room")["active"] == 8


def test_the_active_set_is_what_taxii_has_without_what_was_taken_back(hub: ApiHub) -> None:
    hub.grant("reader", "takedown-full")
    for number in range(9):
        hub.report("bank", f"v{number}.example.com", "domain")
    hub.retract("v3.example.com", "bank")
    for alias in ("takedown", "takedown-full"):
        headers, objects = _active(hub, alias)
        as_of = headers["X-Scamfeed-As-Of"]
        assert sorted(obj["id"] for obj in objects if _stands(obj, as_of)) == sorted(obj["id"] for obj in objects)
        assert _counted(objects, as_of) == _counted(_over_taxii(hub, alias), as_of)
        assert [obj["id"] for obj in objects if obj["type"] == "indicator"] == [
            obj["id"] for obj in _over_taxii(hub, alias) if obj["type"] == "indicator" and "v3." not in obj["pattern"]
        ]
        assert headers["Content-Type"] == "application/x-ndjson"
        # From there on TAXII has what comes later, and nothing else.
        assert _over_taxii(hub, alias, after=headers["X-Scamfeed-Added-Up-To"]) == []
        hub.report("bank", f"next-{alias}.example.com", "domain")
        assert [
            obj["name"].rsplit(" ")[-1]
            for obj in _over_taxii(hub, alias, after=headers["X-Scamfeed-Added-Up-To"])
            if obj["type"] == "indicator"
        ] == [f"next-{alias}.example.com"]


def test_changes_while_it_is_sent_are_left_for_taxii(hub: ApiHub) -> None:
    for number in range(20):
        hub.report("bank", f"v{number}.example.com", "domain")
    whole = _active(hub, "takedown")[1]
    with hub.store.read() as tx:
        collection = collections.get(tx, "takedown")
        upto = log.last_added(tx, collection) or 0
    pieces = endpoints._lines(hub.store, collection, upto, times.now())
    sent = [next(pieces)]
    hub.report("police", "v19.example.com", "domain", scam_type="investment", confidence="90")
    hub.retract("v18.example.com", "bank")
    hub.report("bank", "new.example.com", "domain")
    sent += pieces
    assert [json.loads(line) for line in b"".join(sent).splitlines()] == whole


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_the_stream_is_compressed_for_who_takes_that(hub: ApiHub, encoding: str) -> None:
    for number in range(9):
        hub.report("bank", f"v{number}.example.com", "domain")
    plain = hub.ask("GET", "/api/collections/takedown/active")[2]
    _, headers, packed = hub.ask("GET", "/api/collections/takedown/active", HTTP_ACCEPT_ENCODING=encoding)
    assert headers["Content-Encoding"] == encoding
    if encoding == "gzip":
        assert zlib.decompress(packed, 31) == plain
    else:
        assert zstandard.ZstdDecompressor().decompressobj().decompress(packed) == plain


def test_who_may_not_read_learns_nothing(hub: ApiHub) -> None:
    for route, alias in itertools.product(("digest", "active"), ("takedown", "no-such", "inbox")):
        path = f"/api/collections/{alias}/{route}"
        assert hub.ask("GET", path, "stranger")[0] == 404
        assert hub.ask("GET", path, None)[0] == 401
        assert hub.ask("POST", path, "stranger", b"{}")[0] == 405


@pytest.mark.parametrize("alias", ["takedown", "takedown-full"])
def test_partners_that_were_let_in_at_any_time_have_the_same_digest(hub: ApiHub, alias: str) -> None:
    """What comes and goes meanwhile: listings with texts, and values that are listed again after they were cleared."""
    chance = random.Random(11)  # noqa: S311 - the same each time
    hub.grant("reader", alias)
    values = [f"v{number}.example.com" for number in range(5)]
    listed: dict[str, int] = {}
    readers = ["reader"]
    for step in range(24):
        value = chance.choice(values)
        if value in listed and step % 2:
            hub.retract(value, "bank")
            del listed[value]
        else:
            listed[value] = step
            hub.report("bank", value, "domain", seq=step, **({"description": "own words"} if step % 3 else {}))
        if step % 6 == 3:
            hub.join(f"late{step}", alias)
            readers.append(f"late{step}")
            for reader in readers:
                _assert_equal(hub, alias, reader)
                headers, objects = _active(hub, alias, reader)
                answer = _digest(hub, alias, reader)
                assert {**answer, **_counted(objects, headers["X-Scamfeed-As-Of"])} == answer
    with hub.store.begin() as tx:
        digests.forget(tx, collections.get(tx, alias))
    for reader in readers:
        _assert_equal(hub, alias, reader)


class TestRequests:
    @pytest.fixture
    def settings(self) -> dict[str, Any]:
        return {"rate_limit": 20}

    def test_a_stream_counts_by_what_it_has(self, hub: ApiHub, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(endpoints, "_OBJECTS_A_REQUEST", 4)
        for number in range(5):
            hub.report("bank", f"v{number}.example.com", "domain")
        with hub.store.read() as tx:
            assert log.count(tx, collections.get(tx, "takedown")) == 10
        answers = [hub.ask("GET", "/api/collections/takedown/active")[0] for _ in range(9)]
        assert answers == [200] * 6 + [429] * 3, "three requests each"
        assert hub.ask("GET", "/api/collections/takedown/digest", "bank")[0] == 404

    def test_one_stream_takes_half_a_minute_at_most(self, hub: ApiHub, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(endpoints, "_OBJECTS_A_REQUEST", 1)
        for number in range(20):
            hub.report("bank", f"v{number}.example.com", "domain")
        assert _active(hub, "takedown")[1]
        assert hub.ask("GET", "/api/collections/takedown/active")[0] == 429
        assert hub.ask("GET", "/feed/collections/takedown/objects/")[0] == 200
