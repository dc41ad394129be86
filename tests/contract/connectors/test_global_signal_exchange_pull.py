"""``global-signal-exchange-pull`` with the exchange's signals of a day as the peer."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from server.store import Store
from tests.contract.connectors.contract import PARTNER, kept_checkpoint
from tests.contract.connectors.garbage import GarbageContract
from tests.contract.connectors.peer import Asked, HttpPeer, Said, serving
from tests.contract.connectors.pulls import PullContract
from tests.running import run


@dataclass
class Exchange(HttpPeer):
    """Signals by number, as returned by ``GET feed/24hr?idFrom=``."""

    signals: list[dict[str, Any]] = field(default_factory=list)
    longest: int = 10_000
    reported: str = "2026-01-01 08:00:00"

    def add(self, signal: str, **more: Any) -> None:
        self.signals.append(
            {
                "id": 1000 + 2 * len(self.signals),
                "signal": signal,
                "source": "x",
                "signal_type": "hostname",
                "abuse_type": "phishing",
                "report_date": self.reported,
                "import_date": self.reported,
                "predictive": 0,
                "confidence_score": 90,
                "status": "new",
            }
            | more
        )

    def answer(self, asked: Asked) -> Said:
        if (asked.headers.get("api-key"), asked.headers.get("api-secret")) != ("k3y", "s3cret"):
            return Said(401)
        query = parse_qs(urlsplit(asked.path).query)
        first = int(query["idFrom"][0])
        found = [each for number, each in enumerate(self.signals) if each.get("id", 1000 + 2 * number) >= first]
        return Said(200, found[: min(self.longest, int(query["limit"][0]))])


class TestGlobalSignalExchangePull(GarbageContract, PullContract):
    connector = "global-signal-exchange-pull"
    peer: Exchange

    @pytest.fixture(autouse=True)
    def _server(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        monkeypatch.setenv("GSE_KEY", "k3y")
        monkeypatch.setenv("GSE_SECRET", "s3cret")
        self.peer = Exchange()
        with serving(self.peer):
            yield

    def table(self, **more: Any) -> dict[str, Any]:
        return {
            "name": "tested",
            "connector": self.connector,
            "url": f"{self.peer.url}feed/24hr",
            "api_key": {"env": "GSE_KEY"},
            "api_secret": {"env": "GSE_SECRET"},
            "contribute_as": PARTNER,
            "batch": 3,
            "timeout": self.timeout,
            "retries": 0,
            "allow_private": True,
            **more,
        }

    def prepare(self, store: Store, count: int) -> None:
        for number in range(len(self.peer.signals), count):
            self.peer.add(f"h{number}.example.com")

    def prepare_with_a_bad_one(self, store: Store) -> None:
        for signal in ("a.example.com", "what is this", "b.example.com"):
            self.peer.add(signal)

    def prepare_with_a_shapeless_one(self, store: Store) -> None:
        self.peer.add("a.example.com")
        self.peer.signals.append({"signal": {"of": "c.example.com"}})
        self.peer.add("b.example.com")

    def turn_clock(self, monkeypatch: pytest.MonkeyPatch, hours: float) -> None:
        self.peer.reported = "2025-12-31 06:00:00" if hours < 0 else "2026-01-02 10:00:00"

    def test_short_page_of_the_exchange_is_followed_by_the_next(self, store: Store) -> None:
        self.peer.longest = 2
        self.prepare(store, 7)
        assert run(store, self.feed()).read == 7

    def test_exchange_that_ignores_the_start_position_ends(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        self.prepare(store, 5)
        monkeypatch.setattr(self.peer, "answer", lambda _: Said(200, {"data": self.peer.signals}))
        assert run(store, self.feed()).read == 5
        assert run(store, self.feed()).read == 0

    def test_feedback_is_no_report(self, store: Store) -> None:
        self.peer.add("a.example.com")
        for type_ in ("noaction", "noaction", "actioned", "of-another-kind"):
            self.peer.add("a.example.com", status=f"feedback_{type_}")
        assert run(store, self.feed()).reasons == {"feedback-noaction": 2, "feedback-actioned": 1, "feedback": 1}
        assert len(self.arrived(store)) == 1

    def test_signals_that_are_no_objects_are_counted(self, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
        self.prepare(store, 1)
        real = self.peer.answer

        def also_text(asked: Asked) -> Said:
            said = real(asked)
            return said._replace(body=["a.example.com", *said.body, None]) if said.body else said

        monkeypatch.setattr(self.peer, "answer", also_text)
        result = run(store, self.feed())
        assert (result.ending, result.accepted, result.reasons) == ("done", 1, {"not-a-record": 2})

    def test_filters_are_sent(self, store: Store) -> None:
        run(store, self.feed(filters={"abuseType": "scam"}))
        assert "abuseType=scam" in self.peer.asked[0].path

    def test_a_gap_of_more_than_a_day_is_logged(
        self, store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        run(store, self.feed())
        asked = kept_checkpoint(store)
        assert asked is not None
        assert "signals may be missing" not in caplog.text
        monkeypatch.setattr("feeds.connectors.global_signal_exchange_pull.time.time", lambda: asked["asked"] + 90_000.0)
        run(store, self.feed())
        assert "signals may be missing feed=tested" in caplog.text

    def test_response_without_numbers_is_tried_later(self, store: Store) -> None:
        self.peer.add("a.example.com", id=None)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(self.peer, "answer", lambda _: Said(200, self.peer.signals))
            assert run(store, self.feed()).ending == "try-later"
