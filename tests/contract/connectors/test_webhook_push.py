"""``webhook-push`` with a receiver of signed messages as the peer."""

import base64
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import orjson
import pytest
from standardwebhooks import Webhook

from feeds.runs.retry import replay_feed
from feeds.runs.runner import verify_feed
from schemas import timestamp
from server.release.hub import Hub
from server.release.retract import retract
from server.store import Store, partners
from server.store.liveness import heartbeats
from tests.contract.connectors.contract import PARTNER, Crash, latest
from tests.contract.connectors.faults import FaultsContract
from tests.contract.connectors.peer import Asked, HttpPeer, Said, serving
from tests.contract.connectors.pushes import PushContract
from tests.running import run

# The secret and, below, the message of the specification's own example.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER = "whsec_" + base64.b64encode(bytes(range(32))).decode()


@dataclass
class Peer(HttpPeer):
    """A receiver that checks signatures, and refuses unwanted events alone or with their whole message."""

    refused: set[str] = field(default_factory=set)
    whole: bool = False
    secret: str = SECRET
    events: list[dict[str, Any]] = field(default_factory=list)
    messages: list[Asked] = field(default_factory=list)
    verified: list[dict[str, Any]] = field(default_factory=list)

    def echo(self, state: str) -> Said:
        return Said(200, {"state": state})

    def answer(self, asked: Asked) -> Said:
        message = Webhook(self.secret).verify(asked.body, dict(asked.headers))
        if message["type"] == "feed.verification":
            self.verified.append(message["data"])
            return self.echo(message["data"]["state"])
        events = message["data"]["events"]
        bad = [event["object"] for event in events if event["object"].get("pattern") in self.refused]
        if bad and self.whole:
            return Said(422, {"title": "No"})
        self.messages.append(asked)
        self.events += [event for event in events if event["object"] not in bad]
        return Said(200, {"refused": [{"id": obj["id"], "message": "not wanted"} for obj in bad]})


class TestWebhookPush(FaultsContract, PushContract):
    connector = "webhook-push"
    bad_settings = (
        ({"url": "http://partner.example/hook"}, "set allow_http"),
        ({"secret": SECRET}, "the secret itself is not allowed here"),
        ({"kinds": ["colour"]}, "kinds"),
        ({"actions": ["explode"]}, "actions"),
        ({"countries": ["Thailand"]}, "countries"),
    )
    secret = SECRET
    peer: Peer

    @pytest.fixture(autouse=True)
    def _server(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        monkeypatch.setenv("WEBHOOK_SECRET", SECRET)
        self.peer = Peer()
        with serving(self.peer):
            yield

    def table(self, **more: Any) -> dict[str, Any]:
        own = dict[str, Any](
            url=f"{self.peer.url}hook",
            secret={"env": "WEBHOOK_SECRET"},
        )
        return self.table_to(**own | more)

    def objects(self) -> list[dict[str, Any]]:
        return [event["object"] for event in self.peer.events]

    def refuse(self, pattern: str) -> None:
        self.peer.refused.add(pattern)

    @pytest.mark.parametrize("body", [b'{"refused": [', b'[{"id"', b"\xff\xfe\x00"])
    def test_truncated_response_is_no_response(
        self, store: Store, body: bytes, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.prepare(store, 2)
        with monkeypatch.context() as patch:
            patch.setattr(self.peer, "answer", lambda _: Said(200, body, {"Content-Type": "text/plain"}))
            assert run(store, self.feed()).ending == "try-later"
        assert run(store, self.feed()).ending == "done"
        assert len(self.arrived(store)) == 2

    @pytest.mark.parametrize("body", [b"", b"OK", b"{}", b"[]", b'"taken"', "รับแล้ว".encode()])
    def test_any_other_response_accepts_everything(
        self, store: Store, body: bytes, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.prepare(store, 2)
        monkeypatch.setattr(self.peer, "answer", lambda _: Said(200, body, {"Content-Type": "text/plain"}))
        result = run(store, self.feed())
        assert (result.ending, result.rejected) == ("done", 0)

    def test_random_peer_behaviour_leaves_both_sides_equal(self, store: Store) -> None:
        faults = ["cut", "", "half", "503", "once-503", "", "401", "500", "429", "html", "silent", "moved", "", "cut"]
        count = 0
        for place, fault in enumerate(random.Random(7).choices(faults, k=40)):  # noqa: S311 - the same order each time
            if place % 4 == 0:
                count += 5
                self.prepare(store, count)
            if place % 6 == 5:
                with store.begin() as tx:
                    retract(Hub(store), tx, f"h{place}.example.com", partners.get(tx, PARTNER))
            self.peer.fault = fault
            run(store, self.feed())
        self.peer.fault = ""
        assert run(store, self.feed()).ending == "done"
        theirs = {obj["id"]: obj for obj in self.objects()}
        assert theirs == {obj["id"]: obj for obj in latest(store)}
        assert {obj.get("revoked", False) for obj in theirs.values()} == {True, False}

    def test_busy_peer_is_retried_at_once(self, store: Store) -> None:
        super().test_busy_peer_is_retried_at_once(store)
        first, second = self.peer.asked[:2]
        assert (first.headers["webhook-id"], first.body) == (second.headers["webhook-id"], second.body)

    def test_verification_is_a_signed_event_with_its_state_returned(self, store: Store) -> None:
        self.prepare(store, 2)
        with store.begin() as tx:
            heartbeats.beat(tx, "server")
        verified = verify_feed(Hub(store), self.feed(), "spoken")
        assert (verified.well, verified.answer, verified.state) == (True, "sent the state back", "spoken")
        (event,) = self.peer.verified
        assert (event["collection"], event["state"]) == ("takedown", "spoken")
        assert timestamp.now() - timestamp.parse(event["heartbeat"]) < timedelta(minutes=1)

    @pytest.mark.parametrize(
        ("answer", "well", "words"),
        [
            (Said(204, b""), True, "accepted"),
            (Said(200, {"state": "another"}), False, "a different state"),
            (Said(422, {}), False, "refuses the verification"),
            (Said(401, {}), False, "refuses these credentials"),
            (Said(503, {}), False, "try later"),
        ],
    )
    def test_response_to_a_verification_is_recorded(
        self, store: Store, monkeypatch: pytest.MonkeyPatch, answer: Said, well: bool, words: str
    ) -> None:
        self.prepare(store, 2)
        monkeypatch.setattr(self.peer, "echo", lambda _: answer)
        verified = verify_feed(Hub(store), self.feed())
        assert verified.well == well
        assert words in verified.answer

    def test_replay_has_its_own_stable_ids(self, store: Store) -> None:
        self.prepare(store, 2)
        run(store, self.feed())
        self.retract(store, "h1.example.com")
        run(store, self.feed())
        (before, since) = len(self.peer.messages), timestamp.now() - timedelta(hours=1)
        for _ in range(2):
            replay_feed(Hub(store), self.feed(), since, most=100)
        known = [message.headers["webhook-id"] for message in self.peer.messages]
        again = known[before:]
        assert again[: len(again) // 2] == again[len(again) // 2 :]
        assert not set(again) & set(known[:before])
        replayed = [
            event for message in self.peer.messages[before:] for event in orjson.loads(message.body)["data"]["events"]
        ]
        assert {event["event"] for event in replayed} == {"added", "revoked"}

    def test_a_message_carries_the_heartbeat_of_its_collection(self, store: Store) -> None:
        with store.begin() as tx:
            heartbeats.beat(tx, "server")
        self.prepare(store, 1)
        run(store, self.feed())
        stated = orjson.loads(self.peer.messages[0].body)["data"]["heartbeat"]
        assert timestamp.now() - timestamp.parse(stated) < timedelta(minutes=1)

    def test_repeated_message_has_the_same_id(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        self.prepare(store, 2)
        with monkeypatch.context() as patch:

            def crash(*_: Any) -> None:
                raise Crash

            patch.setattr("server.store.feed_state.save_checkpoint", crash)
            with pytest.raises(Crash):
                run(store, self.feed(batch=1000))
        run(store, self.feed(batch=1000))
        first, second = self.peer.messages
        assert first.headers["webhook-id"] == second.headers["webhook-id"]

    def test_events_distinguish_new_objects_from_changed_ones(self, store: Store) -> None:
        self.prepare(store, 2)
        run(store, self.feed(batch=1000))
        assert {event["event"] for event in self.peer.events} == {"added"}
        self.peer.events.clear()
        self.change(store, "h1.example.com")
        run(store, self.feed(batch=1000))
        assert [event["event"] for event in self.peer.events if event["object"]["type"] == "indicator"] == ["changed"]

    def test_both_secrets_sign_a_message_during_a_rotation(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("OTHER_SECRET", OTHER)
        self.prepare(store, 1)
        self.peer.secret = OTHER
        assert run(store, self.feed(old_secret={"env": "OTHER_SECRET"})).ending == "done"
        assert len(self.peer.messages[0].headers["webhook-signature"].split(" ")) == 2

    def test_object_that_spoils_its_message_is_isolated(self, store: Store) -> None:
        self.prepare(store, 20)
        self.peer.whole = True
        for number in (3, 11):
            self.refuse(f"[domain-name:value = 'h{number}.example.com']")
        result = run(store, self.feed(batch=1000))
        assert (result.ending, result.rejected) == ("done", 2)
        assert len(self.arrived(store)) == 18

    def test_messages_respect_the_configured_size(self, store: Store) -> None:
        self.prepare(store, 30)
        assert run(store, self.feed(batch=1000, most_bytes=10_000)).ending == "done"
        assert len(self.arrived(store)) == 30
        assert max(len(asked.body) for asked in self.peer.messages) <= 10_000

    def test_message_is_json_with_type_time_and_collection(self, store: Store) -> None:
        self.prepare(store, 1)
        run(store, self.feed())
        message = orjson.loads(self.peer.messages[0].body)
        assert message["type"] == "objects.delivered"
        assert message["timestamp"].endswith("Z")
        assert message["data"]["collection"] == "takedown"
        assert self.peer.messages[0].headers["content-type"] == "application/json"

    @pytest.mark.parametrize("secret", ["s3cret", "whsec_", "whsec_c2hvcnQ=", "whsec_not base64!", SECRET[6:]])
    def test_a_secret_of_another_form_is_named_and_not_shown(
        self, store: Store, monkeypatch: pytest.MonkeyPatch, secret: str
    ) -> None:
        monkeypatch.setenv("WEBHOOK_SECRET", secret)
        self.prepare(store, 1)
        result = run(store, self.feed())
        assert result.ending == "misconfigured"
        assert "whsec_ and the Base64" in str(result.error)
        assert len(secret) < 7 or secret not in str(result.error)
