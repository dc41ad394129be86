"""``misp-pull`` with a feed's folder, a feed at a URL, and the API of a MISP as peers."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_DNS, uuid5

import orjson
import pytest

from feeds.connector import Misconfigured
from server.store import Store
from tests.contract.connectors.contract import PARTNER, latest
from tests.contract.connectors.faults import MisbehavingContract
from tests.contract.connectors.garbage import GarbageContract
from tests.contract.connectors.peer import Asked, HttpPeer, Said, serving
from tests.contract.connectors.pulls import RevokingPullContract
from tests.running import run

START = 1_767_225_600


class Events:
    """Events with five attributes each, as MISP stores them."""

    def __init__(self) -> None:
        self.clock = START
        self.events: dict[str, dict[str, Any]] = {}
        self.attributes = 0

    def add(self, value: str, type_: str = "domain", *, new: bool = False, **more: Any) -> None:
        self.clock += 1
        if new or self.attributes % 5 == 0:
            self.events[str(uuid5(NAMESPACE_DNS, str(len(self.events))))] = {"info": "X", "Attribute": []}
        uuid = list(self.events)[-1]
        attribute = {"uuid": str(uuid5(NAMESPACE_DNS, value)), "type": type_, "to_ids": True, "value": value}
        self.events[uuid]["Attribute"].append({**attribute, "timestamp": str(self.clock), **more})
        self.touch(uuid)
        self.attributes += 1

    def touch(self, uuid: str) -> None:
        stamp = str(self.clock)
        self.events[uuid] |= {"uuid": uuid, "timestamp": stamp, "publish_timestamp": stamp, "published": True}

    def delete(self, value: str) -> None:
        self.clock += 1
        for uuid, event in self.events.items():
            for attribute in event["Attribute"]:
                if attribute["value"] == value:
                    attribute |= {"deleted": True, "timestamp": str(self.clock)}
                    self.touch(uuid)

    def list_again(self, value: str) -> None:
        self.clock += 1
        for uuid, event in self.events.items():
            for attribute in event["Attribute"]:
                if attribute["value"] == value:
                    attribute |= {"deleted": False, "timestamp": str(self.clock)}
                    self.touch(uuid)

    def manifest(self) -> dict[str, Any]:
        return {uuid: {"info": "X", "timestamp": event["timestamp"]} for uuid, event in self.events.items()}


class MispContract(RevokingPullContract):
    connector = "misp-pull"
    # A changed event is read as a whole.
    looks_again = False

    @pytest.fixture(autouse=True)
    def _events(self) -> None:
        self.events = Events()

    def publish(self) -> None:
        """Write the current events to the peer."""

    def prepare(self, store: Store, count: int) -> None:
        for number in range(self.events.attributes, count):
            self.events.add(f"h{number}.example.com")
        self.publish()

    def prepare_with_a_bad_one(self, store: Store) -> None:
        for domain in ("a.example.com", "what is this", "b.example.com"):
            self.events.add(domain)
        self.publish()

    def prepare_with_a_shapeless_one(self, store: Store) -> None:
        self.events.add("a.example.com")
        next(iter(self.events.events.values()))["Attribute"].append({"type": ["domain"], "value": {"domain": "c"}})
        self.events.add("b.example.com")
        self.publish()

    def revoke(self, number: int) -> None:
        self.events.delete(f"h{number}.example.com")
        self.publish()

    def list_again(self, number: int) -> None:
        self.events.list_again(f"h{number}.example.com")
        self.publish()

    def turn_clock(self, monkeypatch: pytest.MonkeyPatch, hours: float) -> None:
        self.events.clock = START + 1000 + int(hours * 3600) + self.events.attributes

    def test_only_changed_events_are_read_again(self, store: Store) -> None:
        self.prepare(store, 7)
        assert run(store, self.feed()).read == 7
        self.prepare(store, 8)
        assert run(store, self.feed()).read == 3
        assert len(self.arrived(store)) == 8

    def test_deleted_object_is_retracted(self, store: Store) -> None:
        self.prepare(store, 1)
        uuid = next(iter(self.events.events))
        # BIP 173's example.
        coin = {
            "type": "btc",
            "object_relation": "address",
            "to_ids": True,
            "value": "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
        }
        self.events.events[uuid]["Object"] = [{"name": "coin-address", "Attribute": [coin]}]
        self.publish()
        run(store, self.feed())
        assert self.wallets(store) == [False]
        self.events.events[uuid]["Object"][0]["deleted"] = True
        self.events.clock += 1
        self.events.touch(uuid)
        self.publish()
        run(store, self.feed())
        assert self.wallets(store) == [True]

    def test_attributes_that_are_no_objects_are_counted(self, store: Store) -> None:
        self.prepare(store, 2)
        next(iter(self.events.events.values()))["Attribute"] += ["c.example.com", None]
        self.publish()
        result = run(store, self.feed())
        assert (result.ending, result.accepted, result.reasons) == ("done", 2, {"not-a-record": 2})

    def wallets(self, store: Store) -> list[bool]:
        return [obj.get("revoked", False) for obj in latest(store, "wallets") if obj["type"] == "indicator"]


class TestFolder(MispContract):
    url_gets_secret = False

    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = tmp_path / "feed"
        self.folder.mkdir()
        self.patch = monkeypatch
        self.read = Path.read_bytes
        self.publish()

    def publish(self) -> None:
        for uuid, event in self.events.events.items():
            (self.folder / f"{uuid}.json").write_bytes(orjson.dumps({"Event": event}))
        (self.folder / "manifest.json").write_bytes(orjson.dumps(self.events.manifest()))

    def table(self, **more: Any) -> dict[str, Any]:
        table = {"name": "tested", "connector": "misp-pull", "path": str(self.folder), "contribute_as": PARTNER}
        return {**table, "batch": 3, **more}

    def break_credentials(self) -> None:
        (self.folder / "manifest.json").unlink()

    def kill_peer(self) -> None:
        self._fail(OSError(5, "Input/output error"))

    def silence_peer(self) -> None:
        self._fail(TimeoutError(110, "Connection timed out"))

    def revive_peer(self) -> None:
        self.patch.setattr(Path, "read_bytes", self.read)

    def _fail(self, error: OSError) -> None:
        def broken(path: Path) -> bytes:
            raise error

        self.patch.setattr(Path, "read_bytes", broken)

    def test_missing_event_does_not_stop_the_others_and_is_retried(self, store: Store) -> None:
        self.prepare(store, 7)
        late = self.folder / f"{next(iter(self.events.events))}.json"
        whole = late.read_bytes()
        late.write_bytes(whole[:20])
        first = run(store, self.feed())
        assert (first.accepted, first.reasons) == (2, {"unreadable-file": 1})
        late.unlink()
        assert run(store, self.feed()).reasons == {"unreadable-file": 1}
        late.write_bytes(whole)
        assert run(store, self.feed()).accepted == 5

    def test_manifest_stays_on_the_server(self, store: Store, tmp_path: Path) -> None:
        self.events.add("a.example.com")
        (tmp_path / "secret.json").write_bytes(orjson.dumps({"Event": next(iter(self.events.events.values()))}))
        (self.folder / "manifest.json").write_bytes(orjson.dumps({"../secret": {"timestamp": "1"}}))
        assert run(store, self.feed()).read == 0

    def test_a_feed_written_by_a_hub_of_ours_is_read(self, store: Store, tmp_path: Path) -> None:
        from datetime import UTC, datetime

        from feeds import formats
        from schemas.report import Report

        report = Report(
            kind="domain", value="a.example.com", reporter="X", reported_at=datetime(2026, 1, 1, tzinfo=UTC)
        )
        formats.get("misp-feed").write_folder([report], tmp_path / "written")
        result = run(store, self.feed(path=str(tmp_path / "written")))
        assert (result.read, result.accepted) == (1, 1)


@dataclass
class Web(HttpPeer):
    """A web server with a feed, and a MISP's search."""

    events: Events = field(default_factory=Events)
    search: bool = False

    def answer(self, asked: Asked) -> Said:
        if self.search:
            return self.found(asked)
        name = asked.path.removeprefix("/feed/")
        if name == "manifest.json":
            return Said(200, self.events.manifest())
        event = self.events.events.get(name.removesuffix(".json"))
        return Said(200, {"Event": event}) if event else Said(404)

    def found(self, asked: Asked) -> Said:
        if asked.headers.get("authorization") != "k3y":
            return Said(403, {"message": "Authentication failed."})
        assert asked.path == "/misp/events/restSearch"
        query = orjson.loads(asked.body)
        assert query["deleted"] == [0, 1]
        since, page, limit = query.get("publish_timestamp", 0), query["page"], query["limit"]
        found = [event for event in self.events.events.values() if int(event["publish_timestamp"]) >= since]
        return Said(200, {"response": [{"Event": event} for event in found[(page - 1) * limit : page * limit]]})


class WebContract(MisbehavingContract, MispContract):
    unknown = "403"
    peer: Web

    @pytest.fixture(autouse=True)
    def _server(self, monkeypatch: pytest.MonkeyPatch, _events: None) -> Iterator[None]:
        monkeypatch.setenv("MISP_KEY", "k3y")
        self.peer = Web(events=self.events, search="Rest" in type(self).__name__)
        with serving(self.peer):
            yield

    def table(self, **more: Any) -> dict[str, Any]:
        return {
            "name": "tested",
            "connector": "misp-pull",
            "url": f"{self.peer.url}feed/",
            "contribute_as": PARTNER,
            "batch": 3,
            "timeout": self.timeout,
            "retries": 0,
            "allow_private": True,
            **more,
        }


@pytest.mark.long_but(
    "test_everything_arrives",
    "test_url_can_name_the_manifest",
    "test_a_missing_event_does_not_stop_the_others",
    "test_wrong_credentials_are_misconfigured",
)
class TestUrl(GarbageContract, WebContract):
    url_gets_secret = False

    def test_url_can_name_the_manifest(self, store: Store) -> None:
        self.prepare(store, 2)
        assert run(store, self.feed(url=f"{self.peer.url}feed/manifest.json")).accepted == 2

    def test_a_missing_event_does_not_stop_the_others(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        self.prepare(store, 7)
        missing = f"/feed/{next(iter(self.events.events))}.json"
        real = self.peer.answer
        monkeypatch.setattr(self.peer, "answer", lambda asked: Said(404) if asked.path == missing else real(asked))
        result = run(store, self.feed())
        assert (result.ending, result.accepted, result.reasons) == ("done", 2, {"unreadable-file": 1})


class TestRest(GarbageContract, WebContract):
    def table(self, **more: Any) -> dict[str, Any]:
        more = {"url": f"{self.peer.url}misp", "api_key": {"env": "MISP_KEY"}, "page": 2, **more}
        return super().table(**more)

    def test_pages_are_requested_until_a_short_one(self, store: Store) -> None:
        for number in range(5):
            self.events.add(f"h{number}.example.com", new=True)
        assert run(store, self.feed()).accepted == 5
        assert [orjson.loads(asked.body)["page"] for asked in self.peer.asked] == [1, 2, 3]

    def test_misp_without_paging_is_not_queried_endlessly(self, store: Store) -> None:
        for number in range(4):
            self.events.add(f"h{number}.example.com", new=True)
        real = self.peer.answer

        def first_page(asked: Asked) -> Said:
            return real(asked._replace(body=orjson.dumps({**orjson.loads(asked.body), "page": 1})))

        self.peer.answer = first_page  # type: ignore[method-assign]  # a peer that ignores what is asked
        result = run(store, self.feed())
        assert (result.ending, len(self.arrived(store)), len(self.peer.asked)) == ("try-later", 2, 2)
        self.peer.answer = real  # type: ignore[method-assign]  # and hears again
        run(store, self.feed())
        assert len(self.arrived(store)) == 4

    def test_next_search_overlaps_slightly(self, store: Store) -> None:
        self.prepare(store, 1)
        run(store, self.feed(overlap="1h"))
        run(store, self.feed(overlap="1h"))
        assert orjson.loads(self.peer.asked[-1].body)["publish_timestamp"] == self.events.clock - 3600

    def test_tags_are_sent(self, store: Store) -> None:
        run(store, self.feed(tags=["scam"]))
        assert orjson.loads(self.peer.asked[0].body)["tags"] == ["scam"]


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({}, "give url or path"),
        ({"url": "https://a.example/", "path": "x"}, "give url or path"),
        ({"path": "x", "api_key": {"env": "K"}}, "need url"),
        ({"url": "http://a.example/", "api_key": {"env": "K"}}, "sends the credentials unencrypted"),
        ({"url": "https://a.example/", "user": "u"}, "set both"),
    ],
)
def test_exactly_one_location_is_required(table: dict[str, Any], words: str) -> None:
    from feeds.connectors import build

    with pytest.raises(Misconfigured, match=words):
        build({"name": "x", "connector": "misp-pull", "contribute_as": PARTNER, **table})
