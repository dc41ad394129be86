"""A worker knows whether another worker has fewer connections."""

import pytest

from server.web.http import listener
from server.web.http.listener import WorkerLoad, shared_memory


def test_least_busy_worker_accepts_new_connections() -> None:
    memory = shared_memory()
    first, second = WorkerLoad(memory, 1), WorkerLoad(memory, 2)
    first.report(5)
    second.report(2)
    assert first.is_highest(5)
    assert not second.is_highest(2)
    assert not second.is_highest(3)


def test_single_worker_accepts_every_connection() -> None:
    memory = shared_memory()
    alone = WorkerLoad(memory, 1)
    assert not alone.is_highest(100)
    alone.report(100)
    assert not alone.is_highest(100)


def test_a_worker_that_stops_or_hangs_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    memory = shared_memory()
    first, second = WorkerLoad(memory, 1), WorkerLoad(memory, 130)
    second.report(0)
    first.report(5)
    assert first.is_highest(5)
    second.leave()
    assert not first.is_highest(5)
    second.report(0)
    monkeypatch.setattr(listener, "_FRESH_SECONDS", 0.0)
    assert not first.is_highest(5)
