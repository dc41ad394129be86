"""Streams of changes over real sockets: each change once and soon, also after kills of either side."""

import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import requests

from mappers import ids
from schemas.partner import Partner, PartnerKind
from server.setup import set_up
from server.store import Store, collections, log, partners
from server.store.item import Item
from tests.integration.peers import answering
from tests.integration.taxii_hub import indicator
from tests.ports import free_port
from tests.processes import Forked, serve_hub

# The issue of a change to a stream takes a quarter of a second. The rest is for a busy machine.
SOON = 60.0
STREAMS = 5
NAMES = ("Reader", "Other")


class Event(NamedTuple):
    """One event of a stream: its id, its type, and its data."""

    id: str
    type: str
    data: Any

    @property
    def names(self) -> list[str]:
        return [obj["name"] for obj in (self.data or {}).get("objects", [])]


class Room:
    """An exchange on a running hub, and a partner that reads it."""

    def __init__(self, folder: Path, workers: int = 1) -> None:
        database = f"sqlite:///{folder / 'hub.db'}"
        self.store, self._workers, self._log = Store.open(database), workers, folder / "hub.log"
        set_up(self.store)
        with self.store.begin() as tx:
            self.room = collections.add(tx, "room", "Room")
            people = [Partner(name=name, kind=PartnerKind.BANK, identity=ids.identity(name)) for name in NAMES]
            self.tokens = {partner.name: partners.add(tx, partner).token for partner in people}
            collections.grant(tx, "Reader", self.room, read=True)
        self._settings = {"database_url": database, "streams_of_one": STREAMS}
        self.begin()

    def begin(self) -> None:
        port = free_port()
        self._server = Forked(_serve_alone, self._settings, port, self._workers, log=self._log)
        self._answering = answering(self._server, port, self._log)
        self.url = f"{self._answering.__enter__()}api/collections/{{}}/stream"

    def stop(self, number: signal.Signals) -> None:
        os.killpg(self._server.pid, number)
        self._server.wait(60)

    def add(self, *names: str) -> None:
        with self.store.begin() as tx:
            log.append(tx, self.room, [Item.of(indicator(name=name)) for name in names])

    def ask(self, name: str = "Reader", collection: str = "room", after: str = "", **query: str) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.tokens[name]}", "Accept": "text/event-stream"}
        headers |= {"Last-Event-ID": after} if after else {}
        return requests.get(self.url.format(collection), params=query, headers=headers, stream=True, timeout=(5, 60))

    @contextmanager
    def follow(self, after: str = "", **query: str) -> Iterator[Iterator[Event]]:
        with closing(self.ask(after=after, **query)) as answer:
            assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/event-stream")
            yield events(answer)


def _serve_alone(settings: dict[str, Any], port: int, workers: int) -> None:
    os.setpgid(0, 0)
    serve_hub(settings, port, workers, 4)


def events(answer: requests.Response) -> Iterator[Event]:
    given: dict[str, str] = {}
    for line in answer.iter_lines(1 << 16):
        if line:
            name, _, value = line.decode().partition(": ")
            given[name] = value
        elif given:
            data = json.loads(given["data"]) if "data" in given else None
            yield Event(given.get("id", ""), given.get("event", "message"), data)
            given = {}


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    room = Room(tmp_path)
    yield room
    room.stop(signal.SIGTERM)
    room.store.close()


def test_a_change_arrives_soon_and_once(room: Room) -> None:
    room.add("before")
    with room.follow() as stream:
        opening = next(stream)
        assert (opening.id != "", opening.data) == (True, None)
        for name in ("first", "second"):
            began = time.monotonic()
            room.add(name)
            event = next(stream)
            assert (event.names, event.id > opening.id) == ([name], True)
            assert time.monotonic() - began < SOON
    with room.follow(opening.id) as stream:
        assert next(stream).names == ["first", "second"]
    with room.follow(added_after="2000-01-01T00:00:00Z") as stream:
        assert next(stream).names == ["before", "first", "second"]


def test_objects_may_be_left_out(room: Room) -> None:
    with room.follow(objects="none") as stream:
        next(stream)
        room.add("first")
        event = next(stream)
        assert event.data == {"added_up_to": event.id}


def test_a_long_backlog_comes_in_several_events(room: Room) -> None:
    names = [f"name {number}" for number in range(1_200)]
    room.add(*names)
    with room.follow("2000-01-01T00:00:00Z") as stream:
        assert [name for _ in range(3) for name in next(stream).names] == names


@pytest.mark.long
def test_killed_hub_loses_and_repeats_nothing(room: Room) -> None:
    """The hub is killed while objects arrive; the reader opens its stream again with the last id that it has."""
    read: list[str] = []
    place, wanted = "2000-01-01T00:00:00Z", [f"name {number}" for number in range(60)]

    def write() -> None:
        for name in wanted:
            room.add(name)
            time.sleep(0.02)

    writer = threading.Thread(target=write)
    writer.start()
    for kill in (True, True, False):
        with room.follow(place) as stream:
            for event in stream:
                read += event.names
                place = event.id
                if len(read) == len(wanted) or (kill and event.names):
                    break
        if kill:
            room.stop(signal.SIGKILL)
            room.begin()
    writer.join()
    assert read == wanted


def test_hidden_and_absent_collections_are_answered_alike(room: Room) -> None:
    hidden, absent = room.ask("Other"), room.ask("Other", "nothing")
    assert (hidden.status_code, absent.status_code) == (404, 404)
    assert hidden.json()["description"] == absent.json()["description"]
    assert room.ask(after="tomorrow").status_code == 400
    assert room.ask(objects="some").status_code == 422


def test_revoked_access_ends_the_stream_before_the_next_object(room: Room) -> None:
    with room.follow() as stream:
        next(stream)
        with room.store.begin() as tx:
            collections.revoke(tx, "Reader", room.room)
        room.add("secret")
        event = next(stream)
        assert (event.type, event.data["http_status"]) == ("error", "404")
        assert list(stream) == []


def test_one_partner_has_a_limited_number_of_streams(room: Room) -> None:
    answers = [room.ask() for _ in range(STREAMS + 1)]
    assert [answer.status_code for answer in answers] == [200] * STREAMS + [503]
    assert "Retry-After" in answers[-1].headers
    answers[0].close()
    deadline = time.monotonic() + SOON
    while (again := room.ask()).status_code == 503:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert again.status_code == 200


def test_stopping_hub_ends_its_streams(room: Room) -> None:
    with room.follow() as stream:
        next(stream)
        began = time.monotonic()
        room.stop(signal.SIGTERM)
        assert list(stream) == []
        assert time.monotonic() - began < 2 * SOON
    room.begin()
