"""``taxii-push`` with a TAXII server as the peer."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest

from feeds.connectors import build
from feeds.runs.retry import retry_feed
from server.release.hub import Hub
from server.store import Store, deliveries
from tests.contract.connectors.contract import kept_checkpoint
from tests.contract.connectors.faults import FaultsContract
from tests.contract.connectors.peer import Asked, HttpPeer, Said, serving
from tests.contract.connectors.pushes import PushContract
from tests.running import run

_TYPE = {"Content-Type": "Application/TAXII+JSON; Version=2.1"}


@dataclass
class Peer(HttpPeer):
    """A collection that accepts objects except the refused ones, or their whole envelope if ``whole``."""

    refused: set[str] = field(default_factory=set)
    whole: bool = False
    read_only: bool = False
    unnamed: bool = False
    counts: bool = True
    upset_by: str = ""
    pending: int = 0
    objects: list[dict[str, Any]] = field(default_factory=list)
    envelopes: list[int] = field(default_factory=list)
    limit: int = 1 << 20

    def answer(self, asked: Asked) -> Said:
        if asked.method == "POST":
            return self._take(asked.body)
        if asked.path.endswith(("/collections/inbox/", "/collections/alias/")):
            return Said(
                200, {"id": "inbox", "title": "Inbox", "can_read": True, "can_write": not self.read_only}, _TYPE
            )
        if "/status/" in asked.path:
            self.pending -= 1
            counts = dict.fromkeys(["total_count", "success_count", "failure_count", "pending_count"], 0)
            return Said(200, {"id": "x", **counts, "status": "complete" if self.pending <= 0 else "pending"}, _TYPE)
        if asked.path == "/api/":
            root = {"title": "Root", "versions": ["application/taxii+json;version=2.1"]}
            return Said(200, {**root, "max_content_length": self.limit}, _TYPE)
        return Said(404, {"title": "No"}, _TYPE)

    def _take(self, body: bytes) -> Said:
        objects = orjson.loads(body)["objects"]
        bad = [obj for obj in objects if obj.get("pattern") in self.refused]
        if any(self.upset_by and self.upset_by in obj.get("pattern", "") for obj in objects):
            return Said(500, {"title": "Oh"}, _TYPE)
        if bad and self.whole:
            return Said(422, {"title": "No"}, _TYPE)
        self.envelopes.append(len(body))
        self.objects += [obj for obj in objects if obj not in bad]
        status = {
            "id": "2d086da7-4bdc-4f91-900e-d77486753710",
            "status": "complete",
            "total_count": len(objects),
            "success_count": len(objects) - len(bad),
            "failure_count": len(bad),
            "pending_count": 0,
            "failures": [{"id": obj["id"], "version": obj["modified"], "message": "not wanted"} for obj in bad],
        }
        if self.unnamed:
            del status["failures"]
        if not self.counts:
            status |= dict.fromkeys(["total_count", "success_count", "failure_count", "pending_count"], 0)
        if self.pending:
            status |= {"status": "pending", "pending_count": len(objects), "success_count": 0}
        return Said(202, status, _TYPE)


class TestTaxiiPush(FaultsContract, PushContract):
    connector = "taxii-push"
    bad_settings = (
        ({"password": "s3cret"}, "the secret itself is not allowed here"),
        ({"password": {"env": "A", "file": "b"}}, "give either"),
        ({"user": None}, "set both user and password"),
        ({"token": {"env": "A"}}, "or token"),
        ({"timeout": "soon"}, "not a duration"),
        ({"url": "ftp://x/"}, "url"),
        ({"allow_private": "perhaps"}, "allow_private"),
        ({"url": "http://[::1/x/"}, "url: not a URL"),
        ({"url": "https://scamfeed:s3cret@peer.example/x/"}, "url: must not contain user or password"),
        ({"url": "http://peer.example/x/"}, "set allow_http"),
        ({"url": "http://127.0.0.1.peer.example/x/"}, "set allow_http"),
        ({"every": "5m", "cron": "* * * * *"}, "not both"),
    )
    peer: Peer

    @pytest.fixture(autouse=True)
    def _server(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        monkeypatch.setenv("PEER_PASSWORD", "s3cret")
        self.peer = Peer()
        with serving(self.peer):
            yield

    def table(self, **more: Any) -> dict[str, Any]:
        own = dict[str, Any](
            url=f"{self.peer.url}api/collections/inbox/",
            user="hub",
            password={"env": "PEER_PASSWORD"},
        )
        return self.table_to(**own | more)

    def objects(self) -> list[dict[str, Any]]:
        return self.peer.objects

    def refuse(self, pattern: str) -> None:
        self.peer.refused.add(pattern)

    def test_unwritable_collection_is_misconfigured(self, store: Store) -> None:
        self.peer.read_only = True
        self.check_misconfigured(store)

    def test_object_that_spoils_its_envelope_is_isolated(self, store: Store) -> None:
        self.prepare(store, 20)
        self.peer.whole = True
        for number in (3, 11):
            self.refuse(f"[domain-name:value = 'h{number}.example.com']")
        result = run(store, self.feed(batch=1000))
        assert (result.ending, result.rejected) == ("done", 2)
        assert len(self.arrived(store)) == 18

    def test_peer_that_refuses_everything_gets_no_request_per_object(self, store: Store) -> None:
        self.prepare(store, 60)
        self.peer.whole = True
        for number in range(60):
            self.refuse(f"[domain-name:value = 'h{number}.example.com']")
        result = run(store, self.feed(batch=1000))
        assert result.ending == "try-later"
        assert len(self.peer.asked) < 100

    def test_envelopes_respect_the_limit_of_the_peer(self, store: Store) -> None:
        self.prepare(store, 20)
        self.peer.limit = 5000
        assert run(store, self.feed(batch=1000)).ending == "done"
        assert len(self.arrived(store)) == 20
        assert max(self.peer.envelopes) <= 5000

    def test_object_above_the_limit_of_the_peer_is_refused_alone(self, store: Store) -> None:
        self.prepare(store, 3)
        self.peer.limit = 900
        result = run(store, self.feed(batch=1000))
        assert result.ending == "done"
        assert result.rejected >= 1
        assert result.accepted + result.rejected == result.read

    def test_slow_peer_is_awaited(self, store: Store) -> None:
        self.prepare(store, 1)
        self.peer.pending = 1
        result = run(store, self.feed(batch=1000))
        assert (result.ending, result.rejected) == ("done", 0)

    def test_never_ready_peer_times_out(self, store: Store) -> None:
        self.prepare(store, 1)
        self.peer.pending = 1_000_000
        result = run(store, self.feed(batch=1000, wait="10ms"))
        assert (result.ending, result.rejected) == ("done", 0)

    def test_peer_that_loses_unfinished_work_is_tried_later(
        self, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.prepare(store, 1)
        self.peer.pending = 1
        real = self.peer.answer
        monkeypatch.setattr(self.peer, "answer", lambda asked: Said(404) if "status" in asked.path else real(asked))
        assert run(store, self.feed(batch=1000)).ending == "try-later"
        assert kept_checkpoint(store) is None

    def test_unnamed_failure_is_isolated(self, store: Store) -> None:
        self.prepare(store, 20)
        self.peer.unnamed = True
        self.refuse("[domain-name:value = 'h11.example.com']")
        result = run(store, self.feed(batch=1000))
        assert (result.ending, result.rejected) == ("done", 1)
        assert len(set(self.arrived(store))) == 19

    def test_too_low_counts_leave_objects_open(self, store: Store) -> None:
        self.prepare(store, 2)
        self.peer.counts = False
        assert run(store, self.feed(batch=1000)).rejected == 0
        with store.read() as tx:
            assert {delivery.answer[:7] for delivery in deliveries.history(tx)} == {"unclear"}
        self.peer.counts = True
        tried = retry_feed(Hub(store), self.feed())
        assert tried.tried == tried.settled > 2
        with store.read() as tx:
            assert {delivery.answer for delivery in deliveries.history(tx)} == {"success"}
        assert retry_feed(Hub(store), self.feed()).tried == 0

    def test_a_refused_object_is_sent_again_on_command(self, store: Store) -> None:
        self.prepare(store, 3)
        self.refuse("[domain-name:value = 'h1.example.com']")
        run(store, self.feed())
        for _ in range(2):
            tried = retry_feed(Hub(store), self.feed())
            assert (tried.tried, tried.settled, tried.failed) == (1, 0, 1)
        assert retry_feed(Hub(store), self.feed()).tried == 0
        self.peer.refused.clear()
        tried = retry_feed(Hub(store), self.feed(), everything=True)
        assert (tried.tried, tried.settled, tried.failed) == (1, 1, 0)
        assert len(set(self.arrived(store))) == 3

    def test_object_that_crashes_the_peer_is_isolated(self, store: Store) -> None:
        self.prepare(store, 9)
        self.peer.upset_by = "h4.example"
        feed = self.feed(batch=1000)
        assert [run(store, feed).ending for _ in range(3)] == ["try-later", "try-later", "done"]
        assert len(set(self.arrived(store))) == 8

    def test_peer_that_fails_at_everything_is_tried_later(self, store: Store) -> None:
        self.prepare(store, 9)
        self.peer.upset_by = "example"
        self.peer.refused = set()
        feed = self.feed(batch=1000, leave_out=["identity", "marking-definition", "extension-definition"])
        assert {run(store, feed).ending for _ in range(5)} == {"try-later"}
        self.peer.upset_by = ""
        assert run(store, feed).ending == "done"
        assert len(set(self.arrived(store))) == 9

    def test_types_unsupported_by_the_peer_are_not_sent(self, store: Store) -> None:
        self.prepare(store, 2)
        result = run(store, self.feed(leave_out=["identity", "marking-definition"]))
        assert (result.accepted, result.rejected) == (result.read, 0)
        assert {obj["type"] for obj in self.peer.objects} == {"indicator", "extension-definition"}

    def test_api_root_with_collection_equals_collection_url(self, store: Store) -> None:
        self.prepare(store, 2)
        assert run(store, self.feed(url=f"{self.peer.url}api/", peer_collection="alias")).ending == "done"
        assert len(self.arrived(store)) == 2

    def test_a_token_is_sent_instead_of_a_password(self, store: Store) -> None:
        table = self.table(token={"env": "PEER_PASSWORD"})
        del table["user"], table["password"]
        self.prepare(store, 1)
        assert run(store, build(table)).ending == "done"
        assert {asked.headers["authorization"] for asked in self.peer.asked} == {"Bearer s3cret"}

    def test_secrets_are_read_for_each_run(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        self.prepare(store, 1)
        feed = self.feed()
        monkeypatch.delenv("PEER_PASSWORD")
        result = run(store, feed)
        assert result.ending == "misconfigured"
        assert "PEER_PASSWORD" in str(result.error)
        monkeypatch.setenv("PEER_PASSWORD", "new")
        assert run(store, feed).ending == "done"

    def test_a_url_without_a_server_behind_it(self, store: Store) -> None:
        self.prepare(store, 1)
        assert run(store, self.feed(url="http://127.0.0.1:9/api/collections/inbox/")).ending == "try-later"

    @pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
    def test_credentials_are_sent_over_http_to_loopback(self, host: str) -> None:
        self.feed(url=f"http://{host}/api/collections/inbox/")

    def test_credentials_are_sent_over_http_if_configured(self) -> None:
        self.feed(url="http://peer.example/api/collections/inbox/", allow_http=True)
        self.feed(url="http://peer.example/api/collections/inbox/", user=None, password=None)
