"""The pulse of a hub: what its charts count, within bounds, on both databases."""

from datetime import timedelta

import pytest
from flask import Flask

from server.features.overview import queries
from server.features.overview.queries import HOUR, HOURS
from server.features.overview.tasks import Task, tasks
from server.store import Store, audit, reviews
from server.store.audit import AuditEvent
from server.store.database.times import now
from server.store.reviews import HeldObject
from tests.operators_desk import fill
from tests.unit.server.release.hubs import hub_on
from tests.unit.server.web.shell.conftest import either_app

__all__ = ["either_app"]


@pytest.fixture
def store(either_app: Flask) -> Store:
    filled: Store = either_app.extensions["scamfeed-store"]
    fill(hub_on(filled))
    return filled


def event(first: int, status: int, number: int) -> AuditEvent:
    return AuditEvent(first, first, number, None, "192.0.2.1", "GET", "objects", None, status, 0, None)


def test_reports_errors_and_ages_are_counted_by_hour(store: Store) -> None:
    with store.begin() as tx:
        reviews.hold(tx, "Doubting Bank", [HeldObject("1/indicator--1", None, "list", "words")])
        moment = now()
        for hours, status, number in ((0, 200, 9), (0, 429, 5), (3, 503, 2), (30, 500, 7)):
            audit.record_unsealed(tx, [event(moment - hours * HOUR, status, number)])
    with store.read() as tx:
        pulse = queries.read(tx, moment)
        later = queries.read(tx, moment + 30 * HOUR)
    assert len(pulse.reports) == HOURS
    # The clock may have passed an hour since the reports were made.
    assert sum(pulse.reports[-2:]) == sum(pulse.reports) >= 2
    assert (sum(pulse.refused), sum(pulse.failed), pulse.errors_since) == (5, 2, None)
    assert pulse.failed[-4] == 2
    assert (sum(later.reports), sum(later.refused), sum(later.failed)) == (0, 0, 0)
    # The review of the dispute, and this one.
    assert list(pulse.ages["reviews"]) == [2, 0, 0, 0, 0]
    assert list(later.ages["reviews"]) == [0, 0, 2, 0, 0]
    assert list(pulse.ages["objections"]) == [0, 0, 2, 0, 0]


def test_too_many_requests_are_counted_in_part(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    moment = now()
    with store.begin() as tx:
        audit.record_unsealed(tx, [event(moment - number, 429, 1) for number in range(8)])
    monkeypatch.setattr(queries, "MOST_ENTRIES", 5)
    monkeypatch.setattr(queries, "_ENTRIES", queries._ENTRIES.limit(5))
    with store.read() as tx:
        pulse = queries.read(tx, moment)
    assert pulse.errors_since is not None
    assert sum(pulse.refused) <= 5


def test_overdue_tasks_are_first_and_then_the_next_deadlines(store: Store) -> None:
    with store.read() as tx:
        found = tasks(tx, now(), timedelta(minutes=5), timedelta(days=2))
    named = {task.path: task for task in found}
    assert named["/console/objections"].late == 1
    assert named["/console/requests"].due is not None
    assert [task.path for task in found if task.number][:2] == ["/console/objections", "/console/requests"]


def test_order_is_by_overdue_then_deadline_then_age() -> None:
    late = Task("/late", "Late", 1, late=1)
    soon, afterwards = Task("/soon", "Soon", 1, due=5), Task("/after", "After", 1, due=9)
    old, new, idle = Task("/old", "Old", 1, oldest=3), Task("/new", "New", 1, oldest=4), Task("/idle", "Idle", 1)
    given = [idle, new, afterwards, old, soon, late]
    assert sorted(given, key=lambda task: task.urgency) == [late, soon, afterwards, old, new, idle]
