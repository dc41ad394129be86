"""Threads are shared fairly between the owners of requests."""

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial

import pytest

from server.web.http import fair_executor
from server.web.http.fair_executor import FairExecutor, TooManyWaiting

THREADS = 16
WAIT = 10


class Office:
    """An executor whose work runs until told to end."""

    def __init__(self, threads: ThreadPoolExecutor) -> None:
        self.executor = FairExecutor(threads, THREADS)
        self.begun: list[str] = []
        self.may_end = threading.Event()

    def work(self, name: str) -> str:
        self.begun.append(name)
        self.may_end.wait(WAIT)
        return name

    def submit(self, owner: str, weight: int = 0, name: str = "") -> "Future[str]":
        return self.executor.submit(owner, weight, partial(self.work, name or owner))


@pytest.fixture
def office() -> Iterator[Office]:
    with ThreadPoolExecutor(THREADS) as threads:
        office = Office(threads)
        try:
            yield office
        finally:
            office.may_end.set()


def end(office: Office, *work: "Future[str]") -> list[str]:
    office.may_end.set()
    return [future.result(WAIT) for future in work]


def test_one_owner_leaves_threads_to_the_others(office: Office) -> None:
    flood = [office.submit("flood") for _ in range(100)]
    assert office.executor._free == THREADS - fair_executor._MOST_AT_ONCE
    other = office.submit("other")
    assert office.executor._free == THREADS - fair_executor._MOST_AT_ONCE - 1
    assert end(office, *flood, other) == ["flood"] * 100 + ["other"]
    assert (office.executor._free, office.executor._running, office.executor._waiting) == (THREADS, {}, {})


@pytest.mark.parametrize(("weight", "at_once"), [(1, fair_executor._MOST_BODIES), (2, fair_executor._MOST_LARGE)])
def test_bodies_of_one_owner_are_read_one_after_the_other(office: Office, weight: int, at_once: int) -> None:
    flood = [office.submit("flood", weight) for _ in range(40)]
    assert office.executor._free == THREADS - at_once
    other = office.submit("other", weight)
    assert office.executor._free == THREADS - at_once - 1
    assert len(end(office, *flood, other)) == 41


def test_newcomer_is_next_when_all_threads_are_busy() -> None:
    with ThreadPoolExecutor(1) as threads:
        office = Office(threads)
        office.executor = FairExecutor(threads, 1)
        flood = [office.submit("flood", name=f"flood {number}") for number in range(20)]
        others = [office.submit("bank"), office.submit("platform")]
        end(office, *flood, *others)
    # One was already running, and another was first in the queue.
    assert {office.begun.index("bank"), office.begun.index("platform")} <= {1, 2, 3}


def test_owner_with_too_long_a_queue_is_refused_and_others_accepted(office: Office) -> None:
    flood = [office.submit("flood") for _ in range(fair_executor._MOST_AT_ONCE + fair_executor._MOST_WAITING)]
    with pytest.raises(TooManyWaiting):
        office.submit("flood")
    assert len(end(office, *flood, office.submit("other"))) == len(flood) + 1


def test_failure_is_reported_to_its_caller_and_frees_the_thread(office: Office) -> None:
    def fail() -> None:
        raise ValueError("no")

    failed = office.executor.submit("bank", 2, fail)
    with pytest.raises(ValueError, match="no"):
        failed.result(WAIT)
    assert end(office, office.submit("bank", 2)) == ["bank"]
    assert (office.executor._free, office.executor._large) == (THREADS, 0)
