"""``threatexchange-pull`` with a privacy group as the peer, as described by Meta's documents and reference client."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from server.store import Store
from tests.contract.connectors.contract import PARTNER, kept_checkpoint, latest
from tests.contract.connectors.garbage import GarbageContract
from tests.contract.connectors.peer import Asked, HttpPeer, Said, serving
from tests.contract.connectors.pulls import RevokingPullContract
from tests.running import run

TOKEN = "555|aSdF123GhK"
GROUP = "123456789101112"


@dataclass
class PrivacyGroup(HttpPeer):
    """Updates in order of time. An update of a known indicator moves it to the end."""

    updates: dict[str, dict[str, Any]] = field(default_factory=dict)
    clock: int = 1_767_225_600
    stale: bool = False

    def add(self, value: str, type_: str = "DOMAIN", status: str = "MALICIOUS", **more: Any) -> None:
        known = self.updates.pop(value, None)
        self.clock += 1
        self.updates[value] = {
            "id": known["id"] if known else str(len(self.updates) + 1),
            "indicator": value,
            "type": type_,
            "last_updated": self.clock,
            "should_delete": False,
            "descriptors": {"data": [{"id": "9", "status": status, "tags": {"data": [{"text": "phishing"}]}}]},
        } | more

    def answer(self, asked: Asked) -> Said:
        parts = urlsplit(asked.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if query.get("access_token") != TOKEN:
            return Said(400, {"error": {"message": "Invalid OAuth access token.", "code": 190}})
        if parts.path != f"/v24.0/{GROUP}/threat_updates/":
            return Said(400, {"error": {"message": "Unsupported get request.", "code": 100}})
        if "after" in query and self.stale:
            return Said(400, {"error": {"message": "Invalid cursor", "code": 100}})
        since = int(query.get("start_time", 0))
        found = [update for update in self.updates.values() if update.get("last_updated", since) >= since]
        types = query["types"].split(",")
        found = [update for update in found if update.get("type", types[0]) in types]
        start, limit = int(query.get("after", 0)), int(query["limit"])
        said: dict[str, Any] = {"data": found[start : start + limit]}
        if len(found) > start + limit:
            following = urlencode({**query, "after": start + limit})
            said["paging"] = {"next": f"{self.url}{parts.path[1:]}?{following}"}
        return Said(200, said)


class TestThreatExchangePull(GarbageContract, RevokingPullContract):
    connector = "threatexchange-pull"
    looks_again = True
    peer: PrivacyGroup

    @pytest.fixture(autouse=True)
    def _server(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        monkeypatch.setenv("TX_TOKEN", TOKEN)
        self.patch = monkeypatch
        self.peer = PrivacyGroup()
        with serving(self.peer):
            yield

    def table(self, **more: Any) -> dict[str, Any]:
        return {
            "name": "tested",
            "connector": self.connector,
            "url": f"{self.peer.url}v24.0",
            "privacy_group": GROUP,
            "access_token": {"env": "TX_TOKEN"},
            "contribute_as": PARTNER,
            "batch": 3,
            "timeout": self.timeout,
            "retries": 0,
            "allow_private": True,
            **more,
        }

    def prepare(self, store: Store, count: int) -> None:
        for number in range(len(self.peer.updates), count):
            self.peer.add(f"h{number}.example.com")

    def prepare_with_a_bad_one(self, store: Store) -> None:
        for domain in ("a.example.com", "what is this", "b.example.com"):
            self.peer.add(domain)

    def prepare_with_a_shapeless_one(self, store: Store) -> None:
        self.peer.add("a.example.com")
        self.peer.updates["c.example.com"] = {"descriptors": 7}
        self.peer.add("b.example.com")

    def revoke(self, number: int) -> None:
        self.peer.add(f"h{number}.example.com", should_delete=True)

    def list_again(self, number: int) -> None:
        self.peer.add(f"h{number}.example.com")

    def break_credentials(self) -> None:
        self.patch.setenv("TX_TOKEN", "555|wrong")

    def turn_clock(self, monkeypatch: pytest.MonkeyPatch, hours: float) -> None:
        """The API's single clock orders its updates, and never goes backwards."""

    def test_the_token_is_in_no_checkpoint(self, store: Store) -> None:
        self.prepare(store, 7)
        checkpoints = [batch.checkpoint for batch in self.feed().pull(None, lambda _: False)]  # type: ignore[attr-defined]
        assert len(checkpoints) == 3
        assert checkpoints[0]["page"]["after"] == "3"
        assert "aSdF123GhK" not in str(checkpoints)

    def test_an_unknown_cursor_restarts_the_paging(self, store: Store) -> None:
        self.prepare(store, 7)
        feed = self.feed()
        first = next(iter(feed.pull(None, lambda _: False)))  # type: ignore[attr-defined]
        self.peer.stale = True
        batches = feed.pull(first.checkpoint, lambda _: False)  # type: ignore[attr-defined]
        # From the third one on, whose second is the checkpoint's. The page after that is refused here too.
        again = next(iter(batches))
        assert [item[0]["value"] for item in again.items] == [f"h{number}.example.com" for number in (2, 3, 4)]

    def test_self_referencing_page_ends_the_run(self, store: Store) -> None:
        self.prepare(store, 7)
        real = self.peer.answer

        def turn(asked: Asked) -> Said:
            said = real(asked)
            if "after=" in asked.path:
                said.body["paging"] = {"next": f"{self.peer.url}{asked.path[1:]}"}
            return said

        self.peer.answer = turn  # type: ignore[method-assign]  # a peer that goes round in a circle
        assert run(store, self.feed()).ending == "try-later"
        assert len(self.peer.asked) < 5
        self.peer.answer = real  # type: ignore[method-assign]  # and finds out of it
        assert run(store, self.feed()).ending == "done"
        assert len(self.arrived(store)) == 7

    def test_updates_that_are_no_objects_are_counted(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        self.prepare(store, 1)
        (update,) = self.peer.updates.values()
        monkeypatch.setattr(self.peer, "answer", lambda _: Said(200, {"data": ["a.example.com", update, None, 7]}))
        result = run(store, self.feed())
        assert (result.ending, result.accepted, result.reasons) == ("done", 1, {"not-a-record": 3})

    def test_signal_judged_harmless_is_retracted(self, store: Store) -> None:
        self.prepare(store, 2)
        run(store, self.feed())
        self.peer.add("h0.example.com", status="NON_MALICIOUS")
        run(store, self.feed())
        assert self.arrived(store) == ["[domain-name:value = 'h1.example.com']"]

    def test_opinions_determine_the_report(self, store: Store) -> None:
        opinions = [
            {"status": "UNKNOWN", "confidence": 99, "share_level": "RED"},
            {"status": "MALICIOUS", "confidence": 60, "share_level": "WHITE", "tags": ["investment scam"]},
            {
                "status": "SUSPICIOUS",
                "confidence": 40,
                "share_level": "GREEN",
                "expired_on": "2026-02-01T00:00:00+0000",
            },
        ]
        self.peer.add("[h]ttps://a.example.com/pay", "UNCLICKABLE_URL", descriptors={"data": opinions})
        result = run(store, self.feed())
        assert result.accepted == 1, result.reasons
        indicator = next(obj for obj in latest(store) if obj["type"] == "indicator")
        assert indicator["pattern"] == "[url:value = 'https://a.example.com/pay']"
        assert indicator["confidence"] == 60

    def test_a_signal_without_a_verdict_is_no_report(self, store: Store) -> None:
        self.peer.add("a.example.com", status="UNKNOWN")
        assert run(store, self.feed()).reasons == {"no-verdict": 1}

    @pytest.mark.parametrize(
        ("said", "ending", "words"),
        [
            ({"code": 190}, "misconfigured", "refuses the access token"),
            ({"code": 10}, "misconfigured", "may not read this privacy group"),
            ({"code": 100}, "misconfigured", "does not know this privacy group"),
            ({"code": 4}, "try-later", "cannot answer now"),
        ],
    )
    def test_errors_are_distinguished_by_their_codes(
        self, store: Store, monkeypatch: pytest.MonkeyPatch, said: dict[str, Any], ending: str, words: str
    ) -> None:
        monkeypatch.setattr(self.peer, "answer", lambda _: Said(400, {"error": said}))
        result = run(store, self.feed())
        assert result.ending == ending
        assert words in str(result.error)
        assert "aSdF123GhK" not in str(result.error)

    def test_a_checkpoint_that_is_too_old_restarts(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        self.prepare(store, 2)
        run(store, self.feed())
        asked = kept_checkpoint(store)
        assert asked is not None
        monkeypatch.setattr("feeds.connectors.threatexchange_pull.time.time", lambda: asked["asked"] + 86 * 86_400.0)
        assert run(store, self.feed()).read == 2
