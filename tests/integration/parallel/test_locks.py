"""Contributions about different values run in parallel; those about one value, or by one partner, take turns."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import msgspec
import pytest

from mappers import extension
from server.release import review
from server.release.hub import Hub
from server.release.republish import republish
from server.release.retract import retract
from server.store import audit, collections, log, quotas, reviews
from server.store.database.times import now
from server.store.objects.query import Query
from tests.integration.parallel.contributors import Contributor, Obj

# Unblocked work finishes in this time even on a busy machine. Blocked work stays unfinished for it.
PATIENCE = 60.0
WAITING = 0.3


@contextmanager
def held_open(contributor: Contributor, *objects: Obj) -> Iterator[Callable[[], None]]:
    """Keep a contribution open in another thread just before its end, and return a function that ends it."""
    taken, end = threading.Event(), threading.Event()

    def contribute() -> None:
        with contributor.contributing(objects):
            taken.set()
            assert end.wait(PATIENCE)

    with ThreadPoolExecutor(1) as thread:
        task = thread.submit(contribute)

        def finish() -> None:
            end.set()
            task.result(PATIENCE)

        try:
            assert taken.wait(PATIENCE), task.result(0)
            yield finish
            finish()
        finally:
            end.set()


@contextmanager
def in_parallel(work: Callable[[], Any]) -> Iterator["Future[Any]"]:
    with ThreadPoolExecutor(1) as thread:
        yield thread.submit(work)


def assert_waits(task: "Future[Any]") -> None:
    time.sleep(WAITING)
    assert not task.done()


def published(hub: Hub, alias: str = "takedown") -> dict[str, Obj]:
    with hub.store.read() as tx:
        page = log.page(tx, collections.get(tx, alias), Query(types=("indicator",)))
    return {obj["name"]: obj for obj in map(msgspec.json.decode, page.bodies)}


def reporters(obj: Obj) -> int:
    return int(extension.context_of(obj)["reporters"])


def test_partners_do_not_wait_for_each_other_about_different_values(
    hub: Hub, bank: Contributor, other: Contributor
) -> None:
    with held_open(bank, bank.report("one.example.com")):
        assert other.contribute(other.report("two.example.com")).accepted
        assert len(published(hub)) == 1
    assert len(published(hub)) == 2


def test_only_the_value_and_its_partner_are_locked(hub: Hub, bank: Contributor, other: Contributor) -> None:
    """Operators, quotas of others, the audit trail and exchanges proceed while a contribution is open."""
    with hub.store.begin() as tx:
        exchange = collections.add(tx, "task-force", "Task force")
    with held_open(bank, bank.report("one.example.com")), hub.store.begin() as tx:
        log.append(tx, exchange, [])
        log.lock(tx, collections.all_collections(tx))
        quotas.charge(tx, other.partner.name, "objects", 1, limit=10, seconds=10)
        audit.record_act(
            tx, "x", "POST", "objects", partner="x", collection=exchange.id, status=202, objects=1, chain=exchange.id
        )
        audit.seal(tx, audit.REQUESTS)


def test_two_reports_of_a_value_are_fused_in_either_order(hub: Hub, bank: Contributor, other: Contributor) -> None:
    with (
        held_open(bank, bank.report("bad.example.com")) as finish,
        in_parallel(lambda: other.contribute(other.report("bad.example.com"))) as second,
    ):
        assert_waits(second)
        finish()
        assert second.result(PATIENCE).accepted
    [listing] = published(hub).values()
    assert reporters(listing) == 2


def test_two_new_values_in_the_opposite_order_do_not_deadlock(hub: Hub, bank: Contributor, other: Contributor) -> None:
    values = [f"v{number}.example.com" for number in range(40)]

    def contribute(contributor: Contributor, order: int) -> None:
        for start in range(0, 40, 8):
            part = values[start : start + 8][::order]
            assert not contributor.contribute(*map(contributor.report, part)).failed

    with ThreadPoolExecutor(2) as threads:
        tasks = [threads.submit(contribute, bank, 1), threads.submit(contribute, other, -1)]
        for task in tasks:
            task.result(PATIENCE * 2)
    assert sorted(map(reporters, published(hub).values())) == [2] * 40


@pytest.mark.parametrize("kind", ["sighting", "opinion", "outcome"])
def test_annotations_of_a_value_wait_for_reports_of_it(
    hub: Hub, bank: Contributor, other: Contributor, kind: str
) -> None:
    bank.contribute(bank.report("bad.example.com"))
    [listing] = published(hub).values()
    columns = {
        "sighting": {"of": listing["id"], "count": 3},
        "opinion": {"of": listing["id"], "opinion": "agree"},
        "outcome": {"of": listing["id"], "outcome": "blocked"},
    }[kind]
    annotation = other.annotation(kind, **columns)
    third = Contributor.join(hub, "Third Bank")
    with (
        held_open(bank, bank.report("bad.example.com", description="again")) as finish,
        in_parallel(lambda: other.contribute(annotation)) as task,
    ):
        third.contribute(third.report("else.example.com"))
        assert_waits(task)
        finish()
        assert not task.result(PATIENCE).failed


def test_retraction_waits_for_a_report_and_retracts_it_too(hub: Hub, bank: Contributor, other: Contributor) -> None:
    bank.contribute(bank.report("bad.example.com"))

    def retract_report() -> int:
        with hub.store.begin() as tx:
            return len(retract(hub, tx, "bad.example.com"))

    with (
        held_open(other, other.report("bad.example.com")) as finish,
        in_parallel(retract_report) as task,
    ):
        assert_waits(task)
        finish()
        assert task.result(PATIENCE) == 2
    [listing] = published(hub).values()
    assert listing["revoked"] is True


def test_a_report_of_a_value_waits_for_its_retraction_and_is_held(
    hub: Hub, bank: Contributor, other: Contributor
) -> None:
    bank.contribute(bank.report("bad.example.com"))
    with (
        ThreadPoolExecutor(1) as thread,
        hub.store.begin() as tx,
    ):
        assert retract(hub, tx, "bad.example.com")
        task = thread.submit(lambda: other.contribute(other.report("bad.example.com")))
        assert_waits(task)
    assert [held.reason for held in task.result(PATIENCE).held] == ["delisted"]


def test_a_decision_waits_for_a_report_of_the_value(hub: Hub, bank: Contributor, other: Contributor) -> None:
    bank.contribute(bank.report("bad.example.com"))
    with hub.store.begin() as tx:
        retract(hub, tx, "bad.example.com")
    held = other.report("bad.example.com")
    assert other.contribute(held).held

    def approve() -> None:
        with hub.store.begin() as tx:
            review.decide(hub, tx, [held["id"]], "approved", "me")

    third = Contributor.join(hub, "Third Bank")
    with held_open(third, third.report("bad.example.com")) as finish, in_parallel(approve) as task:
        assert_waits(task)
        finish()
        task.result(PATIENCE)
    with hub.store.read() as tx:
        assert reviews.count(tx, "approved") == 1
    assert any(not obj.get("revoked") for obj in published(hub).values())


def test_republishing_waits_for_contributions_under_way_and_finds_them(
    hub: Hub, bank: Contributor, other: Contributor
) -> None:
    def apply() -> int:
        *_, last = republish(hub)
        return last.values

    with held_open(bank, bank.report("one.example.com")) as finish, in_parallel(apply) as task:
        assert_waits(task)
        finish()
        assert task.result(PATIENCE) == 1


def test_contributions_of_one_partner_take_turns(hub: Hub, bank: Contributor) -> None:
    """An id is new only once, even if its second use is about another value."""
    first = bank.report("one.example.com")
    second = {**bank.report("two.example.com"), "id": first["id"], "modified": first["modified"]}
    with held_open(bank, first) as finish, in_parallel(lambda: bank.contribute(second)) as task:
        assert_waits(task)
        finish()
        assert not task.result(PATIENCE).held
    with hub.store.read() as tx:
        assert quotas.daily_volumes(tx, [bank.partner.name], 0)[bank.partner.name][quotas.day_of(now())].received == 1
    assert len(published(hub)) == 1


def test_late_marking_waits_for_the_marked_values(hub: Hub, bank: Contributor, other: Contributor) -> None:
    marking = {
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": "marking-definition--0b5ad8ae-7ba5-4f4e-9a3f-3b4f3d4f7f10",
        "created": "2026-01-01T00:00:00.000Z",
        "created_by_ref": bank.partner.identity,
        "definition_type": "tlp",
        "definition": {"tlp": "green"},
    }
    report = {**bank.report("bad.example.com"), "object_marking_refs": [marking["id"]]}
    assert bank.contribute(report).kept
    with (
        held_open(other, other.report("bad.example.com")) as finish,
        in_parallel(lambda: bank.contribute(marking)) as task,
    ):
        assert_waits(task)
        finish()
        assert not task.result(PATIENCE).failed


def test_private_collection_needed_twice_is_created_once(hub: Hub, bank: Contributor) -> None:
    third = Contributor.join(hub, "Third Bank")
    others = [Contributor.join(hub, f"Bank {number}") for number in range(4)]
    barrier = threading.Barrier(4)

    def contribute(contributor: Contributor) -> None:
        report = contributor.report(f"{contributor.partner.name[-1]}.example.com", only_partners=third.partner.name)
        barrier.wait(PATIENCE)
        assert not contributor.contribute(report).failed

    with ThreadPoolExecutor(4) as threads:
        for task in [threads.submit(contribute, contributor) for contributor in others]:
            task.result(PATIENCE)
    with hub.store.read() as tx:
        private = [collection.alias for collection in collections.all_collections(tx) if collection.kind == "private"]
    [alias] = [alias for alias in private if alias.startswith("for-")]
    assert len(private) == len(set(private)) == 5
    assert len(published(hub, alias)) == 4
