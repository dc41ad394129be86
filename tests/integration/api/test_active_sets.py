"""The active set as a stream, and its digest: the hub counts the same objects as a reader over TAXII."""

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
from server.features.exports import api as endpoints
from server.features.exports.api import DigestFolding
from server.store import collections, jobs, log
from server.store.database import times
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
    """Return the expected digest of these objects, computed directly."""
    revoked = {obj["id"] for obj in objects if obj.get("revoked")}
    based_on = [obj for obj in objects if obj.get("relationship_type") == "based-on"]
    along = {id_ for obj in based_on for id_ in (obj["id"], obj["target_ref"])}
    standing = {id_ for obj in based_on if obj["source_ref"] not in revoked for id_ in (obj["id"], obj["target_ref"])}
    counted = [obj for obj in objects if _stands(obj, as_of) and (obj["id"] not in along or obj["id"] in standing)]
    named = [f"{obj['id']} {obj.get('modified') or obj.get('created') or ''}" for obj in counted]
    total = sum(int.from_bytes(hashlib.sha256(name.encode()).digest()) for name in named) % _MODULUS
    listings = sum(obj["type"] == "indicator" for obj in counted)
    return {"active": len(named), "listings": listings, "digest": f"{total:064x}"}


def _assert_equal(hub: ApiHub, alias: str, by: str = "reader") -> None:
    answer, objects = _digest(hub, alias, by), _over_taxii(hub, alias, by)
    assert {name: answer[name] for name in ("active", "listings", "digest")} == _counted(objects, answer["as_of"])


@pytest.fixture(autouse=True)
def _small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Apply several changes to a few objects."""
    monkeypatch.setattr(digests, "_ROWS", 7)
    monkeypatch.setattr(endpoints, "_ROWS", 5)


def test_digest_names_the_time_up_to_which_the_collection_is_current(hub: ApiHub) -> None:
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


def test_digest_follows_changes(hub: ApiHub) -> None:
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


def test_first_fold_counts_only_active_objects(hub: ApiHub) -> None:
    for number in range(9):
        hub.report("bank", f"v{number}.example.com", "domain")
    hub.retract("v3.example.com", "bank")
    hub.report("police", "v4.example.com", "domain", scam_type="investment")
    _assert_equal(hub, "takedown")


def test_ending_listing_counts_until_its_minute(hub: ApiHub, monkeypatch: pytest.MonkeyPatch) -> None:
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
    # A changed and then retracted listing that has ended is not counted twice.
    hub.retract("soon.example.com", "bank")
    _assert_equal(hub, "takedown")


def test_thread_folds_requested_collections(hub: ApiHub) -> None:
    _digest(hub, "takedown")
    hub.report("bank", "new.example.com", "domain")
    folding = DigestFolding(hub.store)
    folding.fold()
    with hub.store.read() as tx:
        assert digests.is_current(tx, collections.get(tx, "takedown"))
        assert digests.kept(tx) == {collections.get(tx, "takedown").number}
    _assert_equal(hub, "takedown")


def test_deleted_object_is_not_counted(hub: ApiHub) -> None:
    with hub.store.begin() as tx:
        room = collections.add(tx, "room", "Room")
        collections.grant(tx, "reader", room, read=True, write=True)
        objects = [
            {"type": "note", "spec_version": "2.1", "id": f"note--{uuid.UUID(int=number, version=4)}", "content": "x"}
            | {"created": f"2026-01-01T00:00:0{number}Z", "modified": f"2026-01-01T00:00:0{number}.5Z"}
            for number in range(9)
        ]
    body = json.dumps({"objects": objects}).encode()
    headers = {
        "CONTENT_TYPE": "application/taxii+json;version=2.1",
        "HTTP_ACCEPT": "application/taxii+json;version=2.1",
    }
    assert hub.ask("POST", f"/feed/collections/{room.id}/objects/", body=body, **headers)[0] == 202
    _assert_equal(hub, "room")
    assert hub.ask("DELETE", f"/feed/collections/room/objects/{objects[4]['id']}/")[0] == 200
    _assert_equal(hub, "room")
    assert _digest(hub, "room")["active"] == 8


def test_active_set_equals_taxii_without_revoked_objects(hub: ApiHub) -> None:
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
        # From this position on, TAXII returns only later objects.
        assert _over_taxii(hub, alias, after=headers["X-Scamfeed-Added-Up-To"]) == []
        hub.report("bank", f"next-{alias}.example.com", "domain")
        assert [
            obj["name"].rsplit(" ")[-1]
            for obj in _over_taxii(hub, alias, after=headers["X-Scamfeed-Added-Up-To"])
            if obj["type"] == "indicator"
        ] == [f"next-{alias}.example.com"]


def test_changes_during_the_stream_are_left_to_taxii(hub: ApiHub) -> None:
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
def test_stream_is_compressed_on_request(hub: ApiHub, encoding: str) -> None:
    for number in range(9):
        hub.report("bank", f"v{number}.example.com", "domain")
    plain = hub.ask("GET", "/api/collections/takedown/active")[2]
    _, headers, packed = hub.ask("GET", "/api/collections/takedown/active", HTTP_ACCEPT_ENCODING=encoding)
    assert headers["Content-Encoding"] == encoding
    if encoding == "gzip":
        assert zlib.decompress(packed, 31) == plain
    else:
        assert zstandard.ZstdDecompressor().decompressobj().decompress(packed) == plain


def test_partner_without_read_access_learns_nothing(hub: ApiHub) -> None:
    for route, alias in itertools.product(("digest", "active"), ("takedown", "no-such", "inbox")):
        path = f"/api/collections/{alias}/{route}"
        assert hub.ask("GET", path, "stranger")[0] == 404
        assert hub.ask("GET", path, None)[0] == 401
        assert hub.ask("POST", path, "stranger", b"{}")[0] == 405


@pytest.mark.parametrize("alias", ["takedown", "takedown-full"])
def test_digest_does_not_depend_on_the_time_of_the_grant(hub: ApiHub, alias: str) -> None:
    """Changes in between: listings with texts, and values listed again after they were cleared."""
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

    def test_stream_costs_quota_by_its_size(self, hub: ApiHub, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(endpoints, "_OBJECTS_A_REQUEST", 4)
        for number in range(5):
            hub.report("bank", f"v{number}.example.com", "domain")
        with hub.store.read() as tx:
            assert log.count(tx, collections.get(tx, "takedown")) == 10
        answers = [hub.ask("GET", "/api/collections/takedown/active")[0] for _ in range(9)]
        assert answers == [200] * 6 + [429] * 3, "three requests each"
        assert hub.ask("GET", "/api/collections/takedown/digest", "bank")[0] == 404

    def test_stream_ends_after_half_a_minute(self, hub: ApiHub, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(endpoints, "_OBJECTS_A_REQUEST", 1)
        for number in range(20):
            hub.report("bank", f"v{number}.example.com", "domain")
        assert _active(hub, "takedown")[1]
        assert hub.ask("GET", "/api/collections/takedown/active")[0] == 429
        assert hub.ask("GET", "/feed/collections/takedown/objects/")[0] == 200
