"""Readiness: a silent store counts as unavailable after a timeout, and probes do not wait for it."""

import threading
import time
from typing import cast

import pytest

from server.observe import readiness
from server.observe.readiness import Readiness
from server.store import Store


class FakeStore:
    """A store that answers as scripted, and only when allowed."""

    def __init__(self) -> None:
        self.patience = 0.3
        self.writable = True
        self.looks = 0
        self.may_answer = threading.Event()
        self.may_answer.set()

    def ready(self) -> bool:
        return True

    def can_write(self) -> bool:
        self.looks += 1
        self.may_answer.wait(60)
        return self.writable


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> FakeStore:
    monkeypatch.setattr(readiness, "_ANSWER_SECONDS", 0.05)
    return FakeStore()


@pytest.fixture
def asked(store: FakeStore) -> Readiness:
    return Readiness(cast(Store, store))


def test_a_store_that_can_be_written_is_ready(asked: Readiness) -> None:
    assert asked.ready()


def test_read_only_store_is_unready_at_once_and_ready_again_when_writable(asked: Readiness, store: FakeStore) -> None:
    store.writable = False
    assert not asked.ready()
    store.writable = True
    assert asked.ready()


def test_silent_store_is_not_ready_only_after_the_timeout(asked: Readiness, store: FakeStore) -> None:
    assert asked.ready()
    store.may_answer.clear()
    assert asked.ready()
    time.sleep(store.patience)
    assert [asked.ready(), asked.ready()] == [False, False]
    store.may_answer.set()
    assert asked.ready()


def test_one_check_answers_all_concurrent_probes(asked: Readiness, store: FakeStore) -> None:
    store.may_answer.clear()
    began = time.monotonic()
    for _ in range(5):
        asked.ready()
    assert time.monotonic() - began < 5
    assert store.looks == 1
    store.may_answer.set()


def test_a_store_that_never_answered_is_not_ready(asked: Readiness, store: FakeStore) -> None:
    store.may_answer.clear()
    assert not asked.ready()
    store.may_answer.set()
