"""Checkpoints, runs, files read, failures and dead letters of feeds."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from schemas.partner import Partner, PartnerKind
from server.store import Store, Tx, collections, deliveries, feed_state, inbox, log, partners
from server.store.collections import Collection
from server.store.database import sql
from server.store.feed_state import FeedState
from server.store.item import Item

START = datetime(2026, 5, 24, 9, 30, 0, 123456, tzinfo=UTC)
ONE = Item.of({"type": "url", "id": "url--6ba7b810-9dad-51d1-80b4-00c04fd430c8", "value": "x"})
TWO = ONE._replace(id="url--6ba7b811-9dad-51d1-80b4-00c04fd430c8", version=5)


def test_the_last_checkpoint_is_stored(store: Store) -> None:
    with store.begin() as tx:
        assert feed_state.load_checkpoint(tx, "bank") is None
        feed_state.save_checkpoint(tx, "bank", {"next": "x"})
        feed_state.save_checkpoint(tx, "bank", {"next": None, "at": 5})
        assert feed_state.load_checkpoint(tx, "bank") == {"next": None, "at": 5}


def test_the_last_run_of_each_feed_is_stored(store: Store) -> None:
    with store.begin() as tx:
        for hours, error in ((0, "TryLater: timeout"), (1, None)):
            began = START + timedelta(hours=hours)
            feed_state.record_run(
                tx,
                "bank",
                started=began,
                ended=began + timedelta(seconds=2),
                read=3,
                accepted=2,
                rejected=1,
                error=error,
            )
        runs = feed_state.last_runs(tx)
        assert (feed_state.last_run(tx, "bank"), feed_state.last_run(tx, "never")) == (runs["bank"], None)
    began = START + timedelta(hours=1)
    assert runs == {"bank": feed_state.FeedRun("bank", began, began + timedelta(seconds=2), 3, 2, 1, None)}


def test_a_file_is_known_by_its_digest_and_by_its_feed(store: Store) -> None:
    with store.begin() as tx:
        feed_state.record_file(tx, "bank", "d1", "a.csv")
        feed_state.record_file(tx, "bank", "d1", "renamed.csv")
        assert feed_state.has_read_file(tx, "bank", "d1")
        assert not feed_state.has_read_file(tx, "bank", "d2")
        assert not feed_state.has_read_file(tx, "other", "d1")


def test_the_last_attempt_of_a_delivery_is_stored(store: Store) -> None:
    with store.begin() as tx:
        deliveries.record(tx, "push", "bank", [ONE, TWO], "try later")
        deliveries.record(tx, "push", "bank", [TWO, TWO], "accepted")
        sent = {delivery.object_id: delivery for delivery in deliveries.sent(tx, "push", "bank", [ONE, TWO])}
        assert deliveries.sent(tx, "push", "other", [ONE]) == []
        assert deliveries.sent(tx, "push", "bank", [TWO._replace(version=6)]) == []
    assert (sent[ONE.id].version, sent[ONE.id].answer, sent[ONE.id].attempts) == (None, "try later", 1)
    assert (sent[TWO.id].version, sent[TWO.id].answer, sent[TWO.id].attempts) == (5, "accepted", 2)


def test_attempts_are_counted_up_to_the_largest_number_of_the_column(store: Store) -> None:
    with store.begin() as tx:
        deliveries.record(tx, "push", "bank", [ONE], "try later")
        tx.exec_driver_sql("UPDATE deliveries SET attempts = 32766")
        for _ in range(3):
            deliveries.record(tx, "push", "bank", [ONE], "try later")
        assert [delivery.attempts for delivery in deliveries.sent(tx, "push", "bank", [ONE])] == [32767]
        deliveries.record(tx, "push", "bank", [], "try later")


def test_objects_with_a_delivered_version_are_known(store: Store) -> None:
    with store.begin() as tx:
        deliveries.record(tx, "push", "bank", [ONE, TWO._replace(version=4)], "success")
        assert deliveries.known(tx, "push", "bank", [ONE.id, TWO.id, "url--x"]) == {ONE.id, TWO.id}
        assert deliveries.known(tx, "push", "other", [ONE.id]) == set()
        assert deliveries.known(tx, "other", "bank", [ONE.id]) == set()
        assert deliveries.known(tx, "push", "bank", []) == set()


def test_deliveries_are_listed_the_latest_first(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    moments = iter(range(1_000_000, 9_000_000, 1_000_000))
    monkeypatch.setattr(deliveries, "now", lambda: next(moments))
    with store.begin() as tx:
        deliveries.record(tx, "push", "bank", [ONE], "success")
        deliveries.record(tx, "push", "bank", [TWO], "failed: 50% not wanted")
        deliveries.record(tx, "files", "telecom", [ONE], "success")

        def listed(**asked: Any) -> list[tuple[str, str, str, int | None]]:
            found = deliveries.history(tx, **asked)
            return [(delivery.feed, delivery.partner, delivery.object_id, delivery.version) for delivery in found]

        one, two, three = (
            ("files", "telecom", ONE.id, None),
            ("push", "bank", TWO.id, 5),
            ("push", "bank", ONE.id, None),
        )
        assert listed() == [one, two, three]
        assert listed(limit=2) == [one, two]
        assert listed(feed="push") == [two, three]
        assert listed(ids=[ONE.id]) == [one, three]
        assert listed(answer="failed: 50%") == [two]
        assert listed(answer="%") == []
        assert listed(ids=[]) == []


def test_status_is_shown_to_its_partner_only(store: Store) -> None:
    with store.begin() as tx:
        partners.add(
            tx, Partner(name="a", kind=PartnerKind.BANK, identity=f"identity--{'1' * 8}-1111-4111-8111-{'1' * 12}")
        )
        inbox.save_status(tx, "feed", "s1", "a", b"pending")
        inbox.save_status(tx, "feed", "s1", "a", b"complete")
        assert inbox.load_status(tx, "feed", "s1", "a") == b"complete"
        assert inbox.load_status(tx, "feed", "s1", "b") is None
        assert inbox.load_status(tx, "other", "s1", "a") is None
        assert inbox.forget_statuses(tx, before=1) == 0
        assert inbox.forget_statuses(tx, before=1 << 60) == 1
        assert inbox.load_status(tx, "feed", "s1", "a") is None


def test_statuses_are_removed_in_batches(store: Store) -> None:
    with store.begin() as tx:
        partners.add(
            tx, Partner(name="a", kind=PartnerKind.BANK, identity=f"identity--{'1' * 8}-1111-4111-8111-{'1' * 12}")
        )
        for number in range(5):
            inbox.save_status(tx, "feed", f"s{number}", "a", b"complete")
        assert [inbox.forget_statuses(tx, before=1 << 60, most=2) for _ in range(4)] == [2, 2, 1, 0]


def forgotten(tx: Tx, *, before: int, rows: int) -> int:
    """Remove deletable statuses page by page, and return their number."""
    after, removed = None, 0
    while True:
        page = deliveries.superseded(tx, before=before, after=after, rows=rows)
        removed += deliveries.remove(tx, page.keys)
        if page.next is None:
            return removed
        assert after is None or page.next > after
        after = page.next


@pytest.mark.parametrize("rows", [2, 3, 5, 5_000])
def test_last_delivery_of_each_object_is_never_deleted(store: Store, rows: int) -> None:
    newer, busy = ONE._replace(version=7), TWO._replace(version=9)
    with store.begin() as tx:
        for feed, partner, item in (
            ("push", "bank", ONE),
            ("push", "bank", TWO),
            ("push", "bank", newer),
            ("push", "ngo", ONE),
        ):
            deliveries.record(tx, feed, partner, [item], "ok")
        deliveries.record(tx, "push", "bank", [busy], "failed: busy")
        assert forgotten(tx, before=1, rows=rows) == 0
        assert forgotten(tx, before=1 << 60, rows=rows) == 1
        assert forgotten(tx, before=1 << 60, rows=rows) == 0
        left = {(delivery.partner, delivery.object_id, delivery.version) for delivery in deliveries.history(tx)}
        assert left == {
            ("bank", TWO.id, TWO.version),
            ("bank", busy.id, busy.version),
            ("bank", newer.id, newer.version),
            ("ngo", ONE.id, ONE.version),
        }


FAILED = FeedState("bank", started=1, ended=2, failures=3, retry_at=100, stopped=5, runs=4, failed=3, read=9)


def test_a_feed_that_never_ran_has_no_failures(store: Store) -> None:
    with store.read() as tx:
        assert feed_state.load_state(tx, "bank") == FeedState("bank")
        assert feed_state.all_states(tx) == {}


def test_the_state_of_a_feed_is_stored(store: Store) -> None:
    with store.begin() as tx:
        feed_state.save_state(tx, FeedState("bank", runs=1))
        feed_state.save_state(tx, FAILED)
        feed_state.save_state(tx, FeedState("other"))
        assert feed_state.load_state(tx, "bank") == FAILED
        assert list(feed_state.all_states(tx)) == ["bank", "other"]


def test_a_feed_with_cleared_failures_runs_again_and_its_sums_stay(store: Store) -> None:
    with store.begin() as tx:
        feed_state.save_state(tx, FAILED)
        feed_state.clear_failures(tx, "bank")
        assert feed_state.load_state(tx, "bank") == replace(FAILED, failures=0, retry_at=0, stopped=None)


@pytest.mark.parametrize(
    ("state", "breaker"),
    [
        (FeedState("f"), "closed"),
        (FeedState("f", failures=2, retry_at=100), "closed"),
        (FeedState("f", failures=3, retry_at=100), "open"),
        (FeedState("f", failures=3, retry_at=49), "half-open"),
        (FeedState("f", failures=1, stopped=1), "stopped"),
    ],
)
def test_breaker_opens_after_three_failures_and_allows_one_trial(state: FeedState, breaker: str) -> None:
    assert state.breaker(50) == breaker


def test_repeated_letter_is_one_more_attempt(store: Store) -> None:
    with store.begin() as tx:
        for reason in ("KeyError", "ValueError"):
            feed_state.add_dead_letter(tx, "bank", "indicator--1", b"[]", reason)
        feed_state.add_dead_letter(tx, "bank", "indicator--2", b"[]", "KeyError")
        feed_state.add_dead_letter(tx, "other", "indicator--1", b"[]", "KeyError")
        assert feed_state.count_dead_letters(tx) == {"bank": 2, "other": 1}
        first, second = feed_state.find_dead_letters(tx, "bank")
        assert (first.subject, first.reason, first.attempts, second.attempts) == ("indicator--1", "ValueError", 2, 1)
        assert feed_state.find_dead_letters(tx, "bank", attempts_below=2) == [second]
        feed_state.remove_dead_letters(tx, "bank", [first.id])
        assert feed_state.find_dead_letters(tx, "bank") == [second]
        assert feed_state.count_dead_letters(tx) == {"bank": 1, "other": 1}


def test_a_push_lags_by_the_objects_it_has_not_delivered(store: Store, collection: Collection) -> None:
    one = Item.of({"type": "url", "id": "url--6ba7b810-9dad-51d1-80b4-00c04fd430c8", "value": "x"})
    with store.begin() as tx:
        feed_state.save_state(tx, FeedState("push", succeeded=sql.database_time(tx)))
        end = log.append(tx, collection, [one]).last
        assert end is not None
        feed_state.save_checkpoint(tx, "push", {"collection": collection.id, "after": end - 5_000_000})
        assert feed_state.health_of_feeds(tx)["push"].lag == feed_state.health_of(tx, "push").lag == 5
        feed_state.save_checkpoint(tx, "push", {"collection": collection.id, "after": end})
        assert feed_state.health_of_feeds(tx)["push"].lag == 0


def test_pull_lags_since_its_last_success(store: Store) -> None:
    with store.begin() as tx:
        feed_state.save_state(tx, FeedState("pull", succeeded=sql.database_time(tx) - 60_000_000))
        feed_state.save_state(tx, FeedState("never"))
        feed_state.add_dead_letter(tx, "pull", "indicator--1", b"[]", "KeyError")
        feed_state.acquire_lease(tx, "running", "a")
        stands = feed_state.health_of_feeds(tx)
        assert (feed_state.health_of(tx, "pull").letters, feed_state.health_of(tx, "absent").lag) == (1, None)
    assert stands["pull"].lag == pytest.approx(60, abs=5)
    assert (stands["pull"].letters, stands["never"].lag) == (1, None)
    held = stands["running"].held
    assert held is not None
    assert held.holder == "a"


def test_the_newest_object_of_a_collection_is_the_last_of_its_listing(store: Store, collection: Collection) -> None:
    with store.begin() as tx:
        assert log.newest(tx, collection) is None
        assert collections.get(tx, "collection") == collection
        sco = {"type": "url", "value": "x"}
        log.append(tx, collection, [Item.of(sco | {"id": "url--1"}), Item.of(sco | {"id": "url--2"})])
        assert log.newest(tx, collection) == log.last_added(tx, collection)
