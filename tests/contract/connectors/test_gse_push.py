"""``gse-push`` with the exchange's API for reports as the peer."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar

import orjson
import pytest

from feeds.connectors import build
from feeds.connectors.gse_push import GsePush
from feeds.transport import corrections
from schemas.errors import Rejected
from server.store import Store, deliveries
from tests.contract.connectors.contract import PARTNER, READER, Crash
from tests.contract.connectors.faults import FaultsContract
from tests.contract.connectors.peer import Asked, HttpPeer, Said, serving
from tests.contract.connectors.pushes import PushContract
from tests.running import run


@dataclass
class Exchange(HttpPeer):
    """Signals and feedback, as sent. It counts what it rejects, and does not name it."""

    refused: set[str] = field(default_factory=set)
    signals: list[dict[str, Any]] = field(default_factory=list)
    feedback: list[dict[str, Any]] = field(default_factory=list)
    changes: list[dict[str, Any]] = field(default_factory=list)

    def answer(self, asked: Asked) -> Said:
        if (asked.headers.get("api-key"), asked.headers.get("api-secret")) != ("k3y", "s3cret"):
            return Said(401, {"message": "No"})
        if asked.method == "GET" and asked.path == "/report/signal?limit=1":
            return Said(200, {"data": self.signals[:1]})
        rows = orjson.loads(asked.body)
        taken = [row for row in rows if row["signal"] not in self.refused]
        if asked.path == "/report/signal":
            self._take_signals(taken)
        elif asked.path == "/report/feedback":
            self._take_feedback(taken)
        else:
            return Said(404, {"message": "No"})
        return Said(200, {"adds": len(taken), "updates": 0, "rejected": len(rows) - len(taken)})

    def _take_signals(self, rows: list[dict[str, Any]]) -> None:
        self.signals += rows
        self.changes += [self._change(row, revoked=False) for row in rows]

    def _take_feedback(self, rows: list[dict[str, Any]]) -> None:
        assert {row["signal"] for row in rows} <= {row["signal"] for row in self.signals}, "of signals never sent"
        self.feedback += rows
        self.changes += [self._change(row, revoked=True) for row in rows]

    def _change(self, row: dict[str, Any], *, revoked: bool) -> dict[str, Any]:
        return {"type": "indicator", "pattern": f"[domain-name:value = '{row['signal']}']", "revoked": revoked}


class TestGsePush(FaultsContract, PushContract):
    connector = "gse-push"
    bad_settings = (
        ({"url": "http://exchange.example"}, "allow_http"),
        ({"role": ""}, "role"),
        ({"api_secret": "s3cret"}, "the secret itself is not allowed here"),
    )
    reports: ClassVar[dict[str, str]] = {"tlp": "green"}
    peer: Exchange

    @pytest.fixture(autouse=True)
    def _server(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        monkeypatch.setenv("GSE_KEY", "k3y")
        monkeypatch.setenv("GSE_SECRET", "s3cret")
        self.peer = Exchange()
        with serving(self.peer):
            yield

    def table(self, **more: Any) -> dict[str, Any]:
        own = dict[str, Any](
            url=f"{self.peer.url}report",
            api_key={"env": "GSE_KEY"},
            api_secret={"env": "GSE_SECRET"},
            role="law enforcement",
            least_grade="investigate",
        )
        return self.table_to(**own | more)

    def objects(self) -> list[dict[str, Any]]:
        return self.peer.changes

    def refuse(self, pattern: str) -> None:
        self.peer.refused.add(pattern.split("'")[1])

    def test_a_signal_has_the_fields_of_the_api(self, store: Store) -> None:
        self.prepare(store, 1)
        run(store, self.feed())
        (signal,) = self.peer.signals
        assert signal.keys() >= {"signal", "report_date", "abuse_type", "signal_type"}
        assert (signal["signal"], signal["signal_type"]) == ("h0.example.com", "domain name")

    def test_a_delisting_sends_feedback_once(self, store: Store) -> None:
        self.prepare(store, 2)
        run(store, self.feed())
        self.retract(store, "h1.example.com")
        for _ in range(2):
            assert run(store, self.feed()).ending == "done"
        assert self.peer.feedback == [
            {
                "signal": "h1.example.com",
                "type": "feedback_noaction",
                "role": "law enforcement",
                "reason": "other_noaction",
                "reason_other": "no longer listed",
            }
        ]

    def test_a_signal_is_sent_once_for_all_versions(self, store: Store) -> None:
        self.prepare(store, 1)
        run(store, self.feed())
        self.change(store, "h0.example.com")
        run(store, self.feed())
        assert len(self.peer.signals) == 1

    def test_a_value_delisted_before_it_was_sent_is_never_named(self, store: Store) -> None:
        self.prepare(store, 1)
        self.retract(store, "h0.example.com")
        assert run(store, self.feed()).ending == "done"
        assert (self.peer.signals, self.peer.feedback) == ([], [])

    @pytest.mark.parametrize("tlp", ["amber", "amber+strict"])
    def test_narrower_levels_are_not_sent(self, store: Store, tlp: str) -> None:
        self.reports = {"tlp": tlp}  # type: ignore[misc]
        self.prepare(store, 2)
        assert run(store, self.feed()).ending == "done"
        self.retract(store, "h0.example.com")
        assert run(store, self.feed()).ending == "done"
        assert (self.peer.signals, self.peer.feedback) == ([], [])

    def test_only_block_is_sent_without_a_configured_grade(self, store: Store) -> None:
        self.prepare(store, 2)
        self.block(store, "h1.example.com")
        table = self.table()
        del table["least_grade"]
        run(store, build(table))
        assert [signal["signal"] for signal in self.peer.signals] == ["h1.example.com"]

    def test_value_that_falls_below_the_grade_gets_feedback(self, store: Store) -> None:
        self.block(store, "h1.example.com")
        run(store, self.feed(least_grade="block"))
        self.retract(store, "h1.example.com", READER)
        self.prepare(store, 2)
        run(store, self.feed(least_grade="block"))
        assert [row["signal"] for row in self.peer.feedback] == ["h1.example.com"]

    def test_a_crash_between_delivery_and_record_leaves_no_signal_uncorrected(
        self, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.prepare(store, 1)
        feed = self.feed()
        assert isinstance(feed, GsePush)
        real = feed.push

        def push(items: Any) -> Any:
            answers = real(items)
            if self.peer.signals:
                raise Crash
            return answers

        monkeypatch.setattr(feed, "push", push)
        with pytest.raises(Crash):
            run(store, feed)
        assert len(self.peer.signals) == 1
        self.retract(store, "h0.example.com", PARTNER)
        assert run(store, self.feed()).ending == "done"
        assert [row["signal"] for row in self.peer.feedback] == ["h0.example.com"]
        with store.read() as tx:
            assert deliveries.history(tx, feed="tested", answer="success: corrected")

    def test_delisting_that_cannot_be_named_stays_uncorrected(
        self, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.prepare(store, 2)
        run(store, self.feed())
        for name in ("h0.example.com", "h1.example.com"):
            self.retract(store, name)
        real = corrections.report_of

        def unreadable(indicator: Any) -> Any:
            if "h0.example.com" in indicator["pattern"]:
                raise Rejected("indicator-form", "pattern")
            return real(indicator)

        with monkeypatch.context() as patch:
            patch.setattr(corrections, "report_of", unreadable)
            run(store, self.feed())
        assert [row["signal"] for row in self.peer.feedback] == ["h1.example.com"]
        with store.read() as tx:
            assert len(deliveries.history(tx, feed="tested", answer="failed: no signal can be read")) == 1
            assert len(deliveries.history(tx, feed="tested", answer="success: corrected")) == 1
