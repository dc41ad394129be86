"""Threads of background work sleep until the look for work finds something for them."""

import shutil
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from sqlalchemy import select

from server.features.sandbox.job import SandboxClock
from server.features.trail import recorder
from server.features.trail.recorder import AuditTrail
from server.jobs.background import background_threads
from server.jobs.repeated import RepeatedStep
from server.jobs.work_look import Watched, WorkLook
from server.release.hub import Hub
from server.settings import Settings
from server.store import Store, audit, collections
from server.store.database.looks import Finding
from server.store.tables import collections as table


class Counting(RepeatedStep):
    """Counts its steps; it has work while there is a collection named ``work``."""

    begins_at_once = False

    def __init__(self) -> None:
        super().__init__("counting", 0.01, "waits", "fails")
        self.fails_once = False
        self.steps = threading.Semaphore(0)

    def work(self, at: int) -> Sequence[Finding]:
        return (select(table.c.number).where(table.c.alias == "work"),)

    def step(self) -> None:
        self.steps.release()
        if self.fails_once:
            self.fails_once = False
            raise RuntimeError("once")


@pytest.fixture
def store(migrated_store: Path, tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(f"sqlite:///{shutil.copy(migrated_store, tmp_path / 'hub.db')}")
    yield opened
    opened.close()


@pytest.fixture
def counting() -> Iterator[Counting]:
    thread = Counting()
    yield thread
    thread.stop()


def test_step_waits_until_there_is_work(store: Store, counting: Counting) -> None:
    look = WorkLook(store, [counting, object()])
    counting.start()
    assert counting.steps.acquire(timeout=60)
    look.step()
    assert not counting.steps.acquire(timeout=0.3)
    with store.begin() as tx:
        collections.add(tx, "work", "Work")
    look.step()
    assert counting.steps.acquire(timeout=60)


def test_failed_step_is_retried_after_its_pause(store: Store, counting: Counting) -> None:
    WorkLook(store, [counting])
    counting.fails_once = True
    counting.start()
    assert counting.steps.acquire(timeout=60)
    assert counting.steps.acquire(timeout=60)


def test_step_without_a_look_repeats(counting: Counting) -> None:
    counting.start()
    assert counting.steps.acquire(timeout=60)
    assert counting.steps.acquire(timeout=60)


def test_an_idle_hub_wakes_no_thread(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(database_url=store.url, ledger_key_file=tmp_path / "keys")
    work = (*background_threads(settings, Hub(store)), SandboxClock(store), AuditTrail(store))
    woken: list[object] = []
    for kind in (RepeatedStep, SandboxClock, AuditTrail):
        monkeypatch.setattr(kind, "wake", woken.append)
    WorkLook(store, work).step()
    assert not woken
    assert sum(isinstance(each, Watched) and bool(each.work(0)) for each in work) == 9


def test_only_found_events_of_the_audit_trail_are_sealed(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    sealed = threading.Semaphore(0)
    monkeypatch.setattr(recorder, "SECONDS", 0.01)
    monkeypatch.setattr(recorder, "seal_all", lambda store: sealed.release())
    trail = AuditTrail(store)
    look = WorkLook(store, [trail])
    with store.begin() as tx:
        audit.record_act(tx, "operator", "TEST", "objects")
    assert not sealed.acquire(timeout=0.3)
    look.step()
    assert sealed.acquire(timeout=60)
    trail.stop()
