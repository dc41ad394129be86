"""Contract tests of every push. The collection has a partner's reports."""

from abc import abstractmethod
from datetime import timedelta
from typing import Any, ClassVar

import pytest

from feeds.connector import Push
from feeds.runs.retry import replay_feed, retry_feed
from feeds.runs.runner import Run, verify_feed
from mappers.indicator import to_stix
from schemas import timestamp
from schemas.tabular import ReportReader
from server.release.contribute import contribute
from server.release.hub import Hub
from server.release.retract import retract
from server.store import Store, collections, deliveries, feed_state, log, partners
from server.store.database.times import moment
from server.store.item import Item
from server.store.liveness import verifications
from server.store.objects import ends
from server.store.objects.query import ALL
from tests.contract.connectors.contract import PARTNER, READER, Contract, kept_checkpoint
from tests.running import run


class PushContract(Contract):
    """A push that sends ``takedown`` to its peer."""

    # False if only a delivery would reveal a refused login.
    dry_run_logs_in = True
    # The TLP level of the reports, if not the default.
    reports: ClassVar[dict[str, str]] = {}

    def table_to(self, **own: Any) -> dict[str, Any]:
        """Return a configuration with a server on this machine as the peer, and the settings ``own``."""
        return {
            "name": "tested",
            "connector": self.connector,
            "partner": READER,
            "collection": "takedown",
            "batch": 3,
            "timeout": self.timeout,
            "retries": 0,
            "allow_private": True,
            **own,
        }

    @abstractmethod
    def objects(self) -> list[dict[str, Any]]:
        """Return the objects that the peer received, in order."""

    @abstractmethod
    def refuse(self, pattern: str) -> None:
        """Let the peer refuse the indicator with this pattern."""

    def arrived(self, store: Store) -> list[str]:
        """Return the received patterns, each once. A repeat is the same version of the same object."""
        found = [obj["pattern"] for obj in self.objects() if obj["type"] == "indicator" and not obj.get("revoked")]
        return list(dict.fromkeys(found))

    def prepare(self, store: Store, count: int) -> None:
        said = {"reporter": PARTNER, "kind": "domain", "reported_at": timestamp.text(timestamp.now())}
        reader = ReportReader({**said, **self.reports})
        objects = [obj for n in range(count) for obj in to_stix(reader.report({"value": f"h{n}.example.com"}))]
        with store.begin() as tx:
            contribute(Hub(store), tx, partners.get(tx, PARTNER), [Item.of(obj) for obj in objects])

    def change(self, store: Store, value: str, who: str = PARTNER) -> None:
        """Let a partner report a domain, or change its report of it."""
        said = {"reporter": who, "kind": "domain", "reported_at": timestamp.text(timestamp.now())}
        objects = to_stix(ReportReader({**said, "confidence": "80", **self.reports}).report({"value": value}))
        with store.begin() as tx:
            contribute(Hub(store), tx, partners.get(tx, who), [Item.of(obj) for obj in objects])

    def block(self, store: Store, value: str) -> None:
        """Let two partners report a domain with high confidence, so that it is graded ``block``."""
        self.change(store, value)
        self.change(store, value, READER)

    def retract(self, store: Store, value: str, who: str = PARTNER) -> None:
        """Let a partner retract its report of a value."""
        with store.begin() as tx:
            retract(Hub(store), tx, value, partners.get(tx, who))

    def turn_clock(self, monkeypatch: pytest.MonkeyPatch, hours: float) -> None:
        real = __import__("server.store.database.times", fromlist=["now"]).now
        monkeypatch.setattr(ends, "now", lambda: real() + int(hours * 3_600_000_000))

    def test_a_refused_object_does_not_stop_the_others(self, store: Store) -> None:
        self.prepare(store, 7)
        self.refuse("[domain-name:value = 'h3.example.com']")
        result = run(store, self.feed())
        assert (result.ending, result.rejected) == ("done", 1)
        assert len(self.arrived(store)) == 6

    def test_a_verification_delivers_nothing_and_is_recorded(self, store: Store) -> None:
        self.prepare(store, 2)
        verified = verify_feed(Hub(store), self.feed())
        assert (verified.well, self.objects()) == (True, [])
        with store.read() as tx:
            assert verifications.history(tx, "tested") == [verified]

    def test_run_verifies_when_due(self, store: Store) -> None:
        self.prepare(store, 2)
        for _ in range(2):
            run(store, self.feed(verify_every="1h"))
        with store.read() as tx:
            assert len(verifications.history(tx, "tested")) == 1
        assert len(self.arrived(store)) == 2

    def test_a_replay_sends_everything_again_and_leaves_the_checkpoint(self, store: Store) -> None:
        self.prepare(store, 4)
        run(store, self.feed())
        self.retract(store, "h2.example.com")
        run(store, self.feed())
        arrived, before = self.arrived(store), kept_checkpoint(store)
        done = replay_feed(Hub(store), self.feed(), timestamp.now() - timedelta(hours=1), most=100)
        assert (done.read >= 4, done.refused, done.more, done.error) == (True, 0, False, None)
        assert (self.arrived(store), kept_checkpoint(store)) == (arrived, before)

    def test_replay_in_parts_continues_where_it_ended(self, store: Store) -> None:
        self.prepare(store, 5)
        run(store, self.feed())
        since, read = timestamp.now() - timedelta(hours=1), 0
        for _ in range(9):
            done = replay_feed(Hub(store), self.feed(batch=2), since, most=3)
            since, read = moment(done.up_to), read + done.read
            if not done.more:
                break
        with store.read() as tx:
            assert read == log.count(tx, collections.get(tx, "takedown"))

    def test_response_of_the_peer_is_stored_for_each_object(self, store: Store) -> None:
        self.prepare(store, 3)
        self.refuse("[domain-name:value = 'h1.example.com']")
        run(store, self.feed())
        with store.read() as tx:
            page = log.page(tx, collections.get(tx, "takedown"), ALL)
            items = [Item.of_bytes(body) for body in page.bodies]
            sent = {delivery.object_id: delivery.answer for delivery in deliveries.sent(tx, "tested", READER, items)}
        assert sent.keys() == {item.id for item in items}
        # Some peers accept only indicators.
        assert {answer.split(":")[0] for answer in sent.values()} - {"passed over"} == {"failed", "success"}

    def test_a_dry_run_delivers_nothing(self, store: Store) -> None:
        self.prepare(store, 3)
        result = run(store, self.feed(), dry_run=True)
        assert (result.ending, result.error) == ("done", None)
        assert self.objects() == []

    def test_a_dry_run_reports_a_dead_peer(self, store: Store) -> None:
        self.prepare(store, 3)
        self.kill_peer()
        result = run(store, self.feed(), dry_run=True)
        assert (result.ending, result.accepted) == ("try-later", 0)
        self.revive_peer()
        assert run(store, self.feed(), dry_run=True).ending == "done"

    def test_a_dry_run_reports_refused_credentials(self, store: Store) -> None:
        self.prepare(store, 3)
        self.break_credentials()
        result = run(store, self.feed(), dry_run=True)
        assert result.ending == ("misconfigured" if self.dry_run_logs_in else "done")
        assert (result.accepted == 0) is self.dry_run_logs_in

    def test_revocations_come_first(self, store: Store) -> None:
        self.prepare(store, 4)
        run(store, self.feed(batch=1000))
        before = len(self.objects())
        said = {"reporter": PARTNER, "kind": "domain", "reported_at": timestamp.text(timestamp.now())}
        reader = ReportReader({**said, **self.reports})
        with store.begin() as tx:
            who = partners.get(tx, PARTNER)
            contribute(
                Hub(store), tx, who, [Item.of(obj) for obj in to_stix(reader.report({"value": "new.example.com"}))]
            )
            gone = next(obj["pattern"] for obj in self.objects() if obj["type"] == "indicator")
            retract(Hub(store), tx, gone.split("'")[1], who)
        run(store, self.feed(batch=1000))
        news = self.objects()[before:]
        assert (news[0]["pattern"], news[0]["revoked"]) == (gone, True)
        assert [obj.get("pattern") for obj in news if obj["type"] == "indicator"][1:] == [
            "[domain-name:value = 'new.example.com']"
        ]

    def test_revocations_come_first_at_any_lag_of_a_push(self, store: Store) -> None:
        self.prepare(store, 4)
        run(store, self.feed(batch=1000))
        before = len(self.objects())
        self.prepare(store, 20)
        self.retract(store, "h1.example.com")
        run(store, self.feed(batch=2))
        news = [obj for obj in self.objects()[before:] if obj["type"] == "indicator"]
        assert [obj.get("revoked", False) for obj in news] == [True] + [False] * 16
        assert run(store, self.feed(batch=2)).read == 0

    def test_older_checkpoint_with_one_order_is_continued(self, store: Store) -> None:
        self.prepare(store, 4)
        run(store, self.feed())
        kept = kept_checkpoint(store) or {}
        before = len(self.objects())
        self.prepare(store, 5)
        self.retract(store, "h1.example.com")
        with store.begin() as tx:
            feed_state.save_checkpoint(tx, "tested", {"collection": kept["collection"], "after": kept["after"]})
        result = run(store, self.feed())
        assert (result.ending, result.read) == ("done", 2)
        assert len(self.objects()) - before == 2

    def test_revocation_during_a_push_is_sent_before_the_rest(self, store: Store) -> None:
        self.prepare(store, 9)

        def progress(one: Run) -> None:
            if 5 <= one.read < 10 and not told:
                told.append(len(self.objects()))
                self.retract(store, "h0.example.com")

        told: list[int] = []
        run(store, self.feed(batch=3), progress=progress)
        assert told
        assert self.objects()[told[0]].get("revoked") is True

    def test_retry_passes_the_current_filters(self, store: Store) -> None:
        self.prepare(store, 3)
        with store.begin() as tx:
            page = log.page(tx, collections.get(tx, "takedown"), ALL)
            found = next(item for item in map(Item.of_bytes, page.bodies) if b"h1.example.com" in item.body)
            feed_state.add_dead_letter(tx, "tested", found.id, b"", "ZeroDivisionError")
        done = retry_feed(Hub(store), self.feed(kinds=["phone"]))
        assert (done.tried, done.settled, done.error) == (1, 1, None)
        assert self.arrived(store) == []

    def test_only_readable_objects_are_pushed(self, store: Store) -> None:
        self.prepare(store, 3)
        with store.begin() as tx:
            collections.grant(tx, READER, collections.get(tx, "inbox"), read=True)
        for alias, fault in (("wallets", "may not read wallets"), ("inbox", "is an inbox"), ("x", "no coll")):
            result = run(store, self.feed(collection=alias))
            assert result.ending == "misconfigured"
            assert fault in str(result.error)
        assert self.objects() == []

    def test_another_collection_is_pushed_from_its_start(self, store: Store) -> None:
        self.prepare(store, 3)
        run(store, self.feed())
        with store.begin() as tx:
            collections.grant(tx, READER, collections.get(tx, "takedown-full"), read=True)
        result = run(store, self.feed(collection="takedown-full"))
        assert result.ending == "done"
        assert result.read > 6

    def test_object_that_crashes_the_connector_becomes_a_dead_letter_alone(
        self, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.prepare(store, 7)
        feed = self.feed()
        assert isinstance(feed, Push)
        real = feed.push

        def push(items: Any) -> Any:
            if any(b"'h4.example.com'" in item.body for item in items):
                raise ZeroDivisionError
            return real(items)

        monkeypatch.setattr(feed, "push", push)
        result = run(store, feed)
        assert (result.ending, result.rejected) == ("done", 1)
        assert len(self.arrived(store)) == 6
        assert kept_checkpoint(store) is not None
        with store.read() as tx:
            assert [letter.reason for letter in feed_state.find_dead_letters(tx, "tested")] == ["ZeroDivisionError"]
