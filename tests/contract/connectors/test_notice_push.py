"""``notice-push`` with a chat room's incoming webhook as the peer."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest

from feeds.connector import Misconfigured
from server.release.hub import Hub
from server.release.retract import retract
from server.store import Store, collections, deliveries, log, partners
from server.store.database.times import now
from server.store.liveness import silences
from server.store.liveness.activity import HOUR
from server.store.liveness.silences import Silence
from tests.contract.connectors.contract import PARTNER, READER, latest
from tests.contract.connectors.faults import MisbehavingContract
from tests.contract.connectors.peer import Asked, HttpPeer, Said, serving
from tests.contract.connectors.pushes import PushContract
from tests.running import run


@dataclass
class Peer(HttpPeer):
    """A chat room that stores the posted texts."""

    texts: list[str] = field(default_factory=list)

    def answer(self, asked: Asked) -> Said:
        if asked.method == "HEAD":
            return Said(405, b"")
        (text,) = orjson.loads(asked.body).values()
        self.texts.append(text)
        return Said(200, b"ok", {"Content-Type": "text/plain"})


class TestNoticePush(MisbehavingContract, PushContract):
    connector = "notice-push"
    url_gets_secret = False
    dry_run_logs_in = False
    unknown = "403"
    peer: Peer

    @pytest.fixture(autouse=True)
    def _server(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        self.peer = Peer()
        with serving(self.peer):
            monkeypatch.setenv("CHAT_ROOM", f"{self.peer.url}services/T00/B00/s3cret")
            yield

    def table(self, **more: Any) -> dict[str, Any]:
        own = dict[str, Any](
            url={"env": "CHAT_ROOM"},
        )
        return self.table_to(**own | more)

    @pytest.mark.parametrize("wanted", [True, False])
    def test_silence_is_reported_once_if_configured(self, store: Store, wanted: bool) -> None:
        self.prepare(store, 1)
        quiet = Silence("partner", "First Bank", now() - 9 * HOUR, 2 * HOUR, now())
        with store.begin() as tx:
            assert silences.begin(tx, quiet)
            assert not silences.begin(tx, quiet)
        for _ in range(2):
            assert run(store, self.feed(alerts=wanted)).ending == "done"
        told = [text for text in self.peer.texts if "has been quiet" in text]
        assert len(told) == wanted
        assert all("partner First Bank has been quiet for 9 hours" in text for text in told)

    def test_unreported_silence_is_reported_by_the_next_run(
        self, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with store.begin() as tx:
            silences.begin(tx, Silence("source", "police", now() - 9 * HOUR, 2 * HOUR, now()))
        with monkeypatch.context() as patch:
            patch.setattr(self.peer, "answer", lambda _: Said(503, {}))
            assert run(store, self.feed(alerts=True)).ending == "done"
        run(store, self.feed(alerts=True))
        assert [text for text in self.peer.texts if "source police" in text] == self.peer.texts

    def objects(self) -> list[dict[str, Any]]:
        # A notice has no objects. Only the stored results show the counted ones.
        return [{"type": "text", "text": text} for text in self.peer.texts]

    def arrived(self, store: Store) -> list[str]:
        with store.read() as tx:
            collection = collections.get(tx, "takedown")
            items = log.latest(tx, collection, [obj["id"] for obj in latest(store)])
            answers = {
                delivery.object_id: delivery.answer
                for delivery in deliveries.sent(tx, "tested", READER, items.values())
            }
        return [id_ for id_, answer in answers.items() if id_.startswith("indicator") and answer == "success"]

    def refuse(self, pattern: str) -> None:
        self.peer.fault = "400"

    def test_wrong_credentials_are_misconfigured(self, store: Store) -> None:
        # A batch without indicators sends no notice, so the chat room refuses the next one first.
        self.prepare(store, 2)
        self.break_credentials()
        assert run(store, self.feed()).ending == "misconfigured"
        assert self.arrived(store) == []

    def test_a_refused_object_does_not_stop_the_others(self, store: Store) -> None:
        self.prepare(store, 7)
        self.refuse("any")
        result = run(store, self.feed())
        assert (result.ending, result.rejected) == ("done", 7)

    def test_response_of_the_peer_is_stored_for_each_object(self, store: Store) -> None:
        self.prepare(store, 3)
        self.refuse("any")
        run(store, self.feed())
        with store.read() as tx:
            said = {delivery.object_id: delivery.answer for delivery in deliveries.history(tx, feed="tested")}
        assert {answer for id, answer in said.items() if id.startswith("indicator--")} == {"failed: HTTP 400"}

    def test_revocations_come_first(self, store: Store) -> None:
        self.prepare(store, 4)
        run(store, self.feed(batch=1000))
        with store.begin() as tx:
            gone = next(obj["id"] for obj in latest(store) if obj["type"] == "indicator")
            retract(Hub(store), tx, gone, partners.get(tx, PARTNER))
        run(store, self.feed(batch=1000))
        assert self.peer.texts == [
            "Scamfeed, takedown: 4 new (domain: 4)",
            "Scamfeed, takedown: 1 revoked (domain: 1)",
        ]

    def test_revocations_come_first_at_any_lag_of_a_push(self, store: Store) -> None:
        self.prepare(store, 4)
        run(store, self.feed(batch=1000))
        self.prepare(store, 8)
        self.retract(store, "h1.example.com")
        run(store, self.feed(batch=2))
        assert self.peer.texts[1:] == [
            "Scamfeed, takedown: 1 revoked (domain: 1)",
            "Scamfeed, takedown: 2 new (domain: 2)",
            "Scamfeed, takedown: 2 new (domain: 2)",
        ]

    def test_revocation_during_a_push_is_sent_before_the_rest(self, store: Store) -> None:
        self.prepare(store, 6)

        def progress(_: object) -> None:
            if len(self.peer.texts) == 1:
                self.retract(store, "h0.example.com")

        run(store, self.feed(batch=4), progress=progress)
        assert [text.split()[3] for text in self.peer.texts] == ["new", "revoked", "new"]

    def test_a_notice_shows_counts_and_a_link_and_no_value(self, store: Store) -> None:
        self.prepare(store, 5)
        run(store, self.feed(batch=1000, link="https://hub.example/"))
        assert self.peer.texts == ["Scamfeed, takedown: 5 new (domain: 5) https://hub.example/"]
        assert b"h0.example.com" not in b"".join(asked.body for asked in self.peer.asked)

    def test_the_name_of_the_text_field_is_a_setting(self, store: Store) -> None:
        self.prepare(store, 1)
        run(store, self.feed(batch=1000, field="content"))
        assert list(orjson.loads(self.peer.asked[0].body)) == ["content"]

    def test_a_batch_without_indicators_sends_no_notice(self, store: Store) -> None:
        self.prepare(store, 1)
        assert run(store, self.feed(kinds=["phone"])).ending == "done"
        assert self.peer.texts == []

    def test_the_address_is_secret(self, store: Store) -> None:
        self.prepare(store, 1)
        self.peer.fault = "404"
        assert "s3cret" not in str(run(store, self.feed()).error)
        with pytest.raises(Misconfigured, match="the secret itself is not allowed here"):
            self.feed(url="https://rooms.example/services/T00/B00/s3cret")

    def test_malformed_address_is_misconfigured(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        self.prepare(store, 1)
        monkeypatch.setenv("CHAT_ROOM", "http://rooms.example/s3cret")
        result = run(store, self.feed())
        assert result.ending == "misconfigured"
        assert "s3cret" not in str(result.error)

    def test_known_object_is_reported_as_changed(self, store: Store) -> None:
        self.prepare(store, 2)
        run(store, self.feed(batch=1000))
        self.change(store, "h1.example.com")
        run(store, self.feed(batch=1000))
        assert self.peer.texts[1] == "Scamfeed, takedown: 1 changed (domain: 1)"
