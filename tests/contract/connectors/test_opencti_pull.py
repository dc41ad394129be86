"""``opencti-pull`` with a TAXII collection and a live stream of OpenCTI as peers."""

import itertools
import threading
import time
from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from feeds.connector import Misconfigured
from feeds.connectors import build
from server.store import Store
from tests.contract.connectors.contract import PARTNER, kept_checkpoint
from tests.contract.connectors.faults import MisbehavingContract
from tests.contract.connectors.garbage import GarbageContract
from tests.contract.connectors.live_stream import START, LiveStream, event, indicator, listening
from tests.contract.connectors.peer import Asked, HttpPeer, Said, serving
from tests.contract.connectors.pulls import RevokingPullContract
from tests.running import run


class OpenctiContract(MisbehavingContract, RevokingPullContract):
    connector = "opencti-pull"
    values = 0

    def table(self, **more: Any) -> dict[str, Any]:
        return {
            "name": "tested",
            "connector": self.connector,
            "url": self.url(),
            "token": {"env": "OPENCTI_TOKEN"},
            "contribute_as": PARTNER,
            "batch": 3,
            "timeout": self.timeout,
            "retries": 0,
            "allow_private": True,
            **more,
        }

    @abstractmethod
    def url(self) -> str:
        """Return the address of OpenCTI."""

    @abstractmethod
    def add(self, value: str) -> None:
        """Add an indicator of ``value`` to OpenCTI."""

    def prepare(self, store: Store, count: int) -> None:
        for number in range(self.values, count):
            self.add(f"h{number}.example.com")
        self.values = max(self.values, count)

    def prepare_with_a_bad_one(self, store: Store) -> None:
        for value in ("a.example.com", "what is this", "b.example.com"):
            self.add(value)

    @abstractmethod
    def put_shapeless(self) -> None:
        """Add an object without the shape of an indicator to OpenCTI."""

    def prepare_with_a_shapeless_one(self, store: Store) -> None:
        self.add("a.example.com")
        self.put_shapeless()
        self.add("b.example.com")


@dataclass
class Collection(HttpPeer):
    """A collection in order of modification; ``next`` is a position in it."""

    objects: dict[str, dict[str, Any]] = field(default_factory=dict)
    clock: int = START

    def put(self, obj: dict[str, Any]) -> None:
        self.objects.pop(obj["id"], None)
        self.objects[obj["id"]] = obj

    def answer(self, asked: Asked) -> Said:
        if asked.headers.get("authorization") != "Bearer t0ken":
            return Said(401)
        parts = urlsplit(asked.path)
        assert parts.path.startswith("/under/taxii2/root/collections/91a7b528/objects")
        query = parse_qs(parts.query)
        # A cursor of OpenCTI is a time and an id. Here, the number of objects ever added represents both.
        found = [obj for obj in self.objects.values() if obj["place"] > int(query.get("next", ["0"])[0])]
        page = found[: int(query["limit"][0])]
        following = str(page[-1]["place"]) if page else ""
        shown = [{name: said for name, said in obj.items() if name != "place"} for obj in page]
        return Said(200, {"more": len(found) > len(page), "next": following, "objects": shown})


class TestCollection(GarbageContract, OpenctiContract):
    peer: Collection

    @pytest.fixture(autouse=True)
    def _server(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        monkeypatch.setenv("OPENCTI_TOKEN", "t0ken")
        self.peer = Collection()
        self.places = itertools.count(1)
        self.hours = 0.0
        with serving(self.peer):
            yield

    def url(self) -> str:
        return f"{self.peer.url}under/"

    def table(self, **more: Any) -> dict[str, Any]:
        return super().table(**{"collection": "91a7b528", **more})

    def add(self, value: str, **more: Any) -> None:
        at = START + int(self.hours * 3_600_000) + self.values
        self.peer.put({**indicator(value, at, **more), "place": next(self.places)})

    def put_shapeless(self) -> None:
        self.peer.put({"id": 7, "type": "indicator", "pattern": ["a"], "place": next(self.places)})

    def revoke(self, number: int) -> None:
        self.add(f"h{number}.example.com", revoked=True)

    def list_again(self, number: int) -> None:
        self.add(f"h{number}.example.com")

    def turn_clock(self, monkeypatch: pytest.MonkeyPatch, hours: float) -> None:
        self.hours = hours

    def test_self_referencing_page_ends_the_run(self, store: Store) -> None:
        self.prepare(store, 7)
        real = self.peer.answer

        def turn(asked: Asked) -> Said:
            said = real(asked)
            return said._replace(body={**said.body, "more": True, "next": "3"})

        self.peer.answer = turn  # type: ignore[method-assign]  # a peer that goes round in a circle
        assert run(store, self.feed()).ending == "try-later"
        assert len(self.peer.asked) < 5
        self.peer.answer = real  # type: ignore[method-assign]  # and finds out of it
        assert run(store, self.feed()).ending == "done"
        assert len(self.arrived(store)) == 7

    def test_non_objects_are_counted(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        self.prepare(store, 1)
        (there,) = self.peer.objects.values()
        said = {"more": False, "objects": ["a.example.com", there, None]}
        monkeypatch.setattr(self.peer, "answer", lambda _: Said(200, said))
        result = run(store, self.feed())
        assert (result.ending, result.accepted, result.reasons) == ("done", 1, {"not-a-record": 2})

    def test_companions_of_indicators_are_ignored(self, store: Store) -> None:
        observable = {
            "type": "domain-name",
            "spec_version": "2.1",
            "value": "a.example.com",
            "place": next(self.places),
        }
        self.peer.put({**observable, "id": "domain-name--bedb4899-d24b-5401-bc86-8f6b4cc18ec7"})
        self.add("b.example.com")
        assert run(store, self.feed()).read == 1

    def test_more_without_a_position_is_tried_later(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        said = {"more": True, "objects": [indicator("a.example.com", START)]}
        monkeypatch.setattr(self.peer, "answer", lambda _: Said(200, said))
        assert run(store, self.feed()).ending == "try-later"

    def test_missing_cursor_continues_by_the_last_objects_time(
        self, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        said = {"objects": [indicator("a.example.com", START)]}
        headers = {"X-TAXII-Date-Added-Last": "2026-01-01T00:00:00.000Z"}
        monkeypatch.setattr(self.peer, "answer", lambda _: Said(200, said, headers))
        run(store, self.feed())
        assert kept_checkpoint(store) == {"added_after": "2026-01-01T00:00:00.000Z"}


class TestStream(OpenctiContract):
    peer: LiveStream

    @pytest.fixture(autouse=True)
    def _server(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        monkeypatch.setenv("OPENCTI_TOKEN", "t0ken")
        self.patch = monkeypatch
        self.peer = LiveStream()
        with listening(self.peer):
            yield

    def url(self) -> str:
        return self.peer.url

    def table(self, **more: Any) -> dict[str, Any]:
        return super().table(**{"stream": "4a7f", "stay": "50ms", **more})

    def add(self, value: str) -> None:
        self.peer.put("create", indicator(value, self.peer.clock))

    def put_shapeless(self) -> None:
        self.peer.put("create", {"id": 7, "type": "indicator", "pattern": ["a"]})

    def revoke(self, number: int) -> None:
        self.peer.put("delete", indicator(f"h{number}.example.com", self.peer.clock))

    def list_again(self, number: int) -> None:
        self.add(f"h{number}.example.com")

    def break_credentials(self) -> None:
        self.patch.setenv("OPENCTI_TOKEN", "wrong")

    def silence_peer(self) -> None:
        self.peer.fault = "mute"

    def turn_clock(self, monkeypatch: pytest.MonkeyPatch, hours: float) -> None:
        """The ids of a stream are its own clock, and never go backwards (Redis)."""

    def test_run_continues_from_the_last_event(self, store: Store) -> None:
        self.prepare(store, 4)
        run(store, self.feed())
        last = kept_checkpoint(store)
        assert last == {"id": f"{self.peer.clock}-0"}
        self.prepare(store, 5)
        assert run(store, self.feed()).read == 1
        assert self.peer.asked[-1] == {"from": last["id"]}

    def test_indicators_older_than_the_stream_are_read_from_the_database(self, store: Store) -> None:
        self.prepare(store, 7)
        self.peer.forget()
        assert run(store, self.feed()).read == 7
        assert "recover" in self.peer.asked[-1]
        assert kept_checkpoint(store) == {"id": f"{self.peer.clock}-0"}

    def test_indicators_that_the_stream_has_dropped_are_read_from_the_database(self, store: Store) -> None:
        self.prepare(store, 2)
        run(store, self.feed())
        self.prepare(store, 7)
        self.peer.forget()
        run(store, self.feed())
        assert len(set(self.arrived(store))) == 7

    def test_a_broken_read_from_the_database_is_continued(self, store: Store) -> None:
        self.prepare(store, 7)
        self.peer.forget()
        stop = threading.Event()
        stop.set()
        run(store, self.feed(), stop=stop)
        kept = kept_checkpoint(store)
        assert kept is not None
        assert "recover" in kept
        run(store, self.feed())
        assert len(set(self.arrived(store))) == 7

    def test_new_events_arrive_while_listening(self, store: Store) -> None:
        self.prepare(store, 1)
        real = self.peer.messages

        def messages(query: dict[str, str]) -> Iterator[bytes]:
            for message in real(query):
                yield message
                if b"heartbeat" in message and self.values == 1:
                    self.prepare(store, 2)
                    yield event("create", {"version": "4", "data": self.peer.events[-1][2]}, f"{self.peer.clock}-0")

        self.peer.messages = messages  # type: ignore[method-assign]
        assert run(store, self.feed(stay="300ms")).read == 2

    def test_a_run_ends_when_it_has_stayed_long_enough(self, store: Store) -> None:
        self.prepare(store, 1)
        began = time.monotonic()
        run(store, self.feed(stay="300ms"))
        assert 0.3 <= time.monotonic() - began < 60

    def test_recreated_indicator_is_active(self, store: Store) -> None:
        self.prepare(store, 1)
        self.revoke(0)
        self.add("h1.example.com")
        run(store, self.feed())
        assert self.arrived(store) == ["[domain-name:value = 'h1.example.com']"]

    def test_non_stream_response_is_tried_later(self, store: Store) -> None:
        self.peer.messages = lambda _: iter([b"<html>\n\n"])  # type: ignore[method-assign]
        assert run(store, self.feed()).ending == "try-later"

    def test_too_large_event_is_tried_later(self, store: Store) -> None:
        self.peer.put("create", indicator("a.example.com", START, description="x" * 5000))
        result = run(store, self.feed(max_bytes=2048))
        assert result.ending == "try-later"
        assert "max_bytes" in str(result.error)


@pytest.mark.parametrize("table", [{}, {"collection": "a", "stream": "b"}])
def test_exactly_one_source_is_required(table: dict[str, Any]) -> None:
    with pytest.raises(Misconfigured, match="give collection or stream"):
        build({"name": "x", "connector": "opencti-pull", "contribute_as": PARTNER, "url": "https://a.example", **table})
