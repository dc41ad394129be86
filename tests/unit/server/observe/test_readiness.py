"""Readiness: a silent store counts as unavailable after a timeout, and probes do not wait for it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import cast

import pytest

from server.observe import readiness
from server.observe.readiness import Readiness
from server.store import Store


class FakeStore:
    """A store that answers as scripted, and only when allowed."""

    def __init__(self) -> None:
        self.patience = 30.0
        self.writable = True
        self.looks = 0
        self.begun = threading.Event()
        self.may_answer = threading.Event()
        self.may_answer.set()

    def ready(self) -> bool:
        return True

    def can_write(self) -> bool:
        self.looks += 1
        self.begun.set()
        self.may_answer.wait()
        return self.writable


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeStore]:
    monkeypatch.setattr(readiness, "_ANSWER_SECONDS", 60)
    store = FakeStore()
    yield store
    store.may_answer.set()


@contextmanager
def silent(store: FakeStore) -> Iterator[None]:
    """Let the store answer only at the end, and probes not wait for it."""
    store.may_answer.clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(readiness, "_ANSWER_SECONDS", 0.05)
        yield
    store.may_answer.set()


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


def test_silent_store_is_not_ready_only_after_the_timeout(
    asked: Readiness, store: FakeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    moment = [0.0]
    monkeypatch.setattr(readiness, "time", SimpleNamespace(monotonic=lambda: moment[0]))
    assert asked.ready()
    with silent(store):
        moment[0] = 100.0
        assert asked.ready()
        moment[0] += store.patience
        assert asked.ready()
        moment[0] += 0.1
        assert [asked.ready(), asked.ready()] == [False, False]
    assert asked.ready()


def test_one_check_answers_all_concurrent_probes(asked: Readiness, store: FakeStore) -> None:
    # The store answers only after these five.
    with silent(store):
        for _ in range(5):
            asked.ready()
        assert store.begun.wait(60)
        assert store.looks == 1


def test_a_store_that_never_answered_is_not_ready(asked: Readiness, store: FakeStore) -> None:
    with silent(store):
        assert not asked.ready()
