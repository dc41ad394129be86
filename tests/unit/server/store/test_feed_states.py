from dataclasses import replace

import pytest

from server.store import Store, checkpoints, clock, collections, dead_letters, feed_states, leases, log, standing
from server.store.collections import Collection
from server.store.feed_states import FeedState
from server.store.item import Item

FAILED = FeedState("bank", started=1, ended=2, failures=3, retry_at=100, stopped=5, runs=4, failed=3, read=9)


def test_a_feed_that_never_ran_stands_well(store: Store) -> None:
    with store.read() as tx:
        assert feed_states.load(tx, "bank") == FeedState("bank")
        assert feed_states.every(tx) == {}


def test_how_a_feed_stands_is_remembered(store: Store) -> None:
    with store.begin() as tx:
        feed_states.save(tx, FeedState("bank", runs=1))
        feed_states.save(tx, FAILED)
        feed_states.save(tx, FeedState("other"))
        assert feed_states.load(tx, "bank") == FAILED
        assert list(feed_states.every(tx)) == ["bank", "other"]


def test_what_was_forgiven_runs_again_and_its_sums_stay(store: Store) -> None:
    with store.begin() as tx:
        feed_states.save(tx, FAILED)
        feed_states.forgive(tx, "bank")
        assert feed_states.load(tx, "bank") == replace(FAILED, failures=0, retry_at=0, stopped=None)


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
def test_a_breaker_opens_after_three_failures_and_lets_one_trial_through(state: FeedState, breaker: str) -> None:
    assert state.breaker(50) == breaker


def test_the_same_letter_again_is_one_attempt_more(store: Store) -> None:
    with store.begin() as tx:
        for reason in ("KeyError", "ValueError"):
            dead_letters.put(tx, "bank", "indicator--1", b"[]", reason)
        dead_letters.put(tx, "bank", "indicator--2", b"[]", "KeyError")
        dead_letters.put(tx, "other", "indicator--1", b"[]", "KeyError")
        assert dead_letters.counts(tx) == {"bank": 2, "other": 1}
        first, second = dead_letters.of(tx, "bank")
        assert (first.subject, first.reason, first.attempts, second.attempts) == ("indicator--1", "ValueError", 2, 1)
        assert dead_letters.of(tx, "bank", attempts_below=2) == [second]
        dead_letters.remove(tx, "bank", [first.id])
        assert dead_letters.of(tx, "bank") == [second]
        assert dead_letters.counts(tx) == {"bank": 1, "other": 1}


def test_from_outside_a_push_lags_by_what_it_has_not_delivered(store: Store, room: Collection) -> None:
    one = Item.of({"type": "url", "id": "url--6ba7b810-9dad-51d1-80b4-00c04fd430c8", "value": "x"})
    with store.begin() as tx:
        feed_states.save(tx, FeedState("push", succeeded=clock.now(tx)))
        end = log.append(tx, room, [one]).last
        assert end is not None
        checkpoints.save(tx, "push", {"collection": room.id, "after": end - 5_000_000})
        assert standing.every(tx)["push"].lag == 5
        checkpoints.save(tx, "push", {"collection": room.id, "after": end})
        assert standing.every(tx)["push"].lag == 0


def test_from_outside_a_pull_lags_since_it_last_ended_well(store: Store) -> None:
    with store.begin() as tx:
        feed_states.save(tx, FeedState("pull", succeeded=clock.now(tx) - 60_000_000))
        feed_states.save(tx, FeedState("never"))
        dead_letters.put(tx, "pull", "indicator--1", b"[]", "KeyError")
        leases.acquire(tx, "running", "a")
        stands = standing.every(tx)
    assert stands["pull"].lag == pytest.approx(60, abs=5)
    assert (stands["pull"].letters, stands["never"].lag) == (1, None)
    held = stands["running"].held
    assert held is not None
    assert held.holder == "a"


def test_the_newest_of_a_collection_is_what_its_listing_ends_with(store: Store, room: Collection) -> None:
    with store.begin() as tx:
        assert log.newest(tx, room) is None
        assert collections.get(tx, "room") == room
        sco = {"type": "url", "value": "x"}
        log.append(tx, room, [Item.of(sco | {"id": "url--1"}), Item.of(sco | {"id": "url--2"})])
        assert log.newest(tx, room) == log.last_added(tx, room)
