"""``sentinel-push`` with a login server and an upload API as the peer."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import orjson
import pytest

from feeds.connectors import build, sentinel_push
from server.store import Store, deliveries
from tests.contract.connectors.contract import READER
from tests.contract.connectors.faults import FaultsContract
from tests.contract.connectors.peer import Asked, HttpPeer, Said, serving
from tests.contract.connectors.pushes import PushContract
from tests.running import run

CLIENT = "00001111-aaaa-2222-bbbb-3333cccc4444"
WORKSPACE = "11112222-bbbb-3333-cccc-4444dddd5555"


@dataclass
class Peer(HttpPeer):
    """Login and upload in one. It names refused items by position, and repeats the value like the API."""

    refused: set[str] = field(default_factory=set)
    expires: int = 3600
    token: Any = "t0ken"
    logins: list[dict[str, list[str]]] = field(default_factory=list)
    uploads: list[dict[str, Any]] = field(default_factory=list)
    objects: list[dict[str, Any]] = field(default_factory=list)

    def answer(self, asked: Asked) -> Said:
        if asked.path == "/contoso.example/oauth2/v2.0/token":
            self.logins.append(parse_qs(asked.body.decode()))
            return Said(200, {"access_token": self.token, "expires_in": self.expires, "token_type": "Bearer"})
        wanted = f"/workspaces/{WORKSPACE}/threat-intelligence-stix-objects:upload?api-version=2024-02-01-preview"
        if asked.path != wanted:
            return Said(404, {"title": "No"})
        if asked.headers.get("authorization") != "Bearer t0ken":
            return Said(401, {"title": "No"})
        body = orjson.loads(asked.body)
        self.uploads.append(body)
        bad = [place for place, obj in enumerate(body["stixobjects"]) if obj["pattern"] in self.refused]
        self.objects += [obj for place, obj in enumerate(body["stixobjects"]) if place not in bad]
        if not bad:
            return Said(200)
        text = "Error for Property=pattern: not wanted. Actual value: h1.example.com."
        return Said(200, {"errors": [{"recordIndex": place, "errorMessages": [text]} for place in bad]})


class TestSentinelPush(FaultsContract, PushContract):
    connector = "sentinel-push"
    url_gets_secret = False
    bad_settings = (
        ({"source": "Microsoft Sentinel"}, "reserved by Microsoft"),
        ({"workspace": "mine"}, "workspace"),
        ({"tenant": "a/b"}, "tenant"),
        ({"api_url": "http://api.example"}, "api_url: .*allow_http"),
        ({"client_secret": "s3cret"}, "the secret itself is not allowed here"),
    )
    peer: Peer

    @pytest.fixture(autouse=True)
    def _server(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        monkeypatch.setenv("CLIENT_SECRET", "s3cret")
        self.peer = Peer()
        with serving(self.peer):
            yield

    def table(self, **more: Any) -> dict[str, Any]:
        own = dict[str, Any](
            tenant="contoso.example",
            client_id=CLIENT,
            client_secret={"env": "CLIENT_SECRET"},
            workspace=WORKSPACE,
            login_url=self.peer.url,
            api_url=self.peer.url,
            requests_a_minute=1_000_000,
            least_grade="investigate",
        )
        return self.table_to(**own | more)

    def objects(self) -> list[dict[str, Any]]:
        return self.peer.objects

    def refuse(self, pattern: str) -> None:
        self.peer.refused.add(pattern)

    def test_refused_request_is_misconfigured(self, store: Store) -> None:
        self.peer.fault = "400"
        self.check_misconfigured(store)

    def test_run_logs_in_once_for_the_audience_of_the_api(self, store: Store) -> None:
        self.prepare(store, 7)
        run(store, self.feed())
        assert self.peer.logins == [
            {
                "grant_type": ["client_credentials"],
                "client_id": [CLIENT],
                "client_secret": ["s3cret"],
                "scope": ["https://management.azure.com/.default"],
            }
        ]

    def test_a_token_that_ends_is_renewed(self, store: Store) -> None:
        self.prepare(store, 7)
        self.peer.expires = 60
        run(store, self.feed())
        assert len(self.peer.logins) > len(self.peer.uploads) > 1

    def test_a_login_without_a_token_is_tried_later(self, store: Store) -> None:
        self.prepare(store, 1)
        self.peer.token = None
        assert run(store, self.feed()).ending in ("try-later", "misconfigured")
        assert self.peer.objects == []

    def test_a_request_holds_at_most_a_hundred_indicators_and_nothing_else(self, store: Store) -> None:
        self.prepare(store, 130)
        run(store, self.feed(batch=1000))
        assert [len(body["stixobjects"]) for body in self.peer.uploads] == [100, 30]
        assert {obj["type"] for obj in self.peer.objects} == {"indicator"}
        assert {body["sourcesystem"] for body in self.peer.uploads} == {"Scamfeed"}

    def test_requests_are_spaced(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        waits: list[float] = []
        monkeypatch.setattr(sentinel_push.time, "sleep", waits.append)
        self.prepare(store, 350)
        run(store, self.feed(batch=1000, requests_a_minute=60))
        assert len(self.peer.uploads) == 4
        assert len(waits) == 3
        # Each wait counts from the first request, since the waits are simulated.
        assert all(wait == pytest.approx(place, abs=0.9) for place, wait in enumerate(waits, 1))

    def test_refusal_is_stored_without_its_value(self, store: Store) -> None:
        self.prepare(store, 3)
        self.refuse("[domain-name:value = 'h1.example.com']")
        run(store, self.feed())
        with store.read() as tx:
            answers = {delivery.answer for delivery in deliveries.history(tx, feed="tested")}
        assert "failed: Error for Property=pattern: not wanted." in answers
        assert "h1.example.com" not in "".join(answers)

    def test_only_block_is_sent_without_a_configured_grade(self, store: Store) -> None:
        self.prepare(store, 2)
        self.block(store, "h1.example.com")
        table = self.table()
        del table["least_grade"]
        run(store, build(table))
        assert [obj["pattern"] for obj in self.peer.objects] == ["[domain-name:value = 'h1.example.com']"]

    def test_value_below_the_grade_is_revoked_at_the_peer(self, store: Store) -> None:
        self.block(store, "h1.example.com")
        run(store, self.feed(least_grade="block"))
        self.retract(store, "h1.example.com", READER)
        self.prepare(store, 2)
        run(store, self.feed(least_grade="block"))
        assert [obj.get("revoked", False) for obj in self.peer.objects] == [False, True]
