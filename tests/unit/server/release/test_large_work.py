"""Large work runs in batches, and continues after an interruption."""

from collections.abc import Callable
from itertools import islice
from typing import Any

import pytest

from schemas.partner import Partner
from server.features.partners import depart
from server.release import batches
from server.release.fuse.newcomers import NewcomerRule
from server.release.hub import Hub
from server.release.republish import republish
from server.release.results import Results
from server.release.route.policy import Policy, PolicyRule
from server.store import Store, collections, inbox, jobs, log, partners, read_progress, retractions
from server.store.database.times import now
from server.store.item import Item
from server.store.objects.query import Query
from tests.times import text_ago
from tests.unit.server.release.hubs import hub_on

Post = Callable[..., Results]
Stix = Callable[..., list[dict[str, Any]]]

STRICT = Policy((PolicyRule(collection="takedown", kinds=("domain",), least_reporters=2),), NewcomerRule(days=0))
VALUES = 7


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "_USUAL", 2)


@pytest.fixture
def reports(post: Post, stix: Stix) -> list[dict[str, Any]]:
    made = [stix(f"bad{number}.example.com")[1] for number in range(VALUES)]
    post(*made)
    return made


def active(store: Store, alias: str = "takedown") -> int:
    with store.read() as tx:
        return len(log.manifest(tx, collections.get(tx, alias), Query(types=("indicator",), revoked=False)).records)


def test_stopped_work_continues_after_the_last_batch(store: Store, reports: list[dict[str, Any]]) -> None:
    strict = hub_on(store, STRICT)
    for done in islice(republish(strict), 3):
        assert done.resumed == 0
    assert (done.values, active(store)) == (4, VALUES - 4)
    first, *_, last = republish(strict)
    assert (first.resumed, last.values, last.changed, active(store)) == (4, VALUES, VALUES, 0)
    with store.read() as tx:
        assert jobs.unfinished(tx) == []
    assert next(republish(strict)).resumed == 0


def test_lowered_values_are_named_batch_by_batch(store: Store, reports: list[dict[str, Any]]) -> None:
    lowered = [value for done in republish(hub_on(store, STRICT)) for value in done.lowered]
    assert {value.subject for value in lowered} == {f"domain:bad{number}.example.com" for number in range(VALUES)}
    assert all(value.before.confidence > 0 and value.after is None for value in lowered)
    # The values are listed again, so nothing is lowered.
    assert not [value for done in republish(hub_on(store)) for value in done.lowered]


def test_changed_rules_or_grants_restart_the_work(store: Store, reports: list[dict[str, Any]], other: Partner) -> None:
    strict = hub_on(store, STRICT)
    list(islice(republish(strict), 2))
    *_, done = republish(hub_on(store))
    assert (done.resumed, done.values, active(store)) == (0, VALUES, VALUES)
    list(islice(republish(strict), 2))
    with store.begin() as tx:
        collections.grant(tx, other.name, collections.get(tx, "takedown"), read=True)
    assert next(republish(strict)).resumed == 0
    list(islice(republish(strict), 2))
    assert next(republish(strict)).resumed == 2
    assert next(republish(strict, anew=True)).resumed == 0


def test_a_value_that_fails_stops_the_work_and_loses_none(
    store: Store, reports: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    strict = hub_on(store, STRICT)
    save, saved = jobs.save, []

    def fail(*args: Any, **kwargs: Any) -> None:
        save(*args, **kwargs)
        saved.append(args)
        if len(saved) == 2:
            raise ZeroDivisionError

    with monkeypatch.context() as patched:
        patched.setattr(jobs, "save", fail)
        with pytest.raises(ZeroDivisionError):
            list(republish(strict))
    assert active(store) == VALUES - 2
    *_, done = republish(strict)
    assert (done.resumed, done.values, active(store)) == (2, VALUES, 0)


def test_published_report_without_a_single_value_is_revoked(store: Store, post: Post, stix: Stix) -> None:
    obj = stix("bad.example.com")[1]
    obj |= {"pattern": "[domain-name:value = 'a.example.com'] OR [domain-name:value = 'b.example.com']"}
    post(obj)
    with store.begin() as tx:
        for alias in ("takedown", "takedown-full"):
            log.append(tx, collections.get(tx, alias), [Item.of(obj)])
    assert active(store) == 1
    list(republish(hub_on(store)))
    assert (active(store), active(store, "takedown-full")) == (0, 0)


def leave(store: Store, partner: Partner, reason: str | None = None) -> tuple[Hub, depart.Departure]:
    hub = hub_on(store)
    job = depart.Departure(hub, partner.name, reason)
    with store.begin() as tx:
        partners.remove(tx, partner.name)
        batches.begin(tx, job)
    return hub, job


def test_reports_of_a_former_partner_are_retracted_in_batches(
    store: Store, reports: list[dict[str, Any]], post: Post, stix: Stix, bank: Partner, other: Partner
) -> None:
    post(*(stix(f"bad{number}.example.com", reporter=other.name)[1] for number in (0, 3)), by=other)
    hub, job = leave(store, bank, "it was not who it said")
    stopped = list(islice(batches.run(hub, job), 3))
    assert stopped[-1]["reports"] == 4
    assert depart.resume(hub, idle_since=0) == 0
    assert depart.resume(hub, idle_since=now() + 1) == 1
    assert active(store) == 2
    with store.read() as tx:
        keys = [inbox.key(partners.space(tx, bank.name), obj["id"]) for obj in reports]
        assert all(item.revoked for item in inbox.latest(tx, keys).values())
        assert depart.unfinished(tx) == []
        job_of_it = jobs.find(tx, job.name)
    assert job_of_it is not None
    assert job_of_it.state["reports"] == VALUES


def test_only_receipts_of_a_former_partner_are_closed_without_a_reason(
    store: Store, reports: list[dict[str, Any]], post: Post, bank: Partner, other: Partner
) -> None:
    with store.begin() as tx:
        takedown = collections.get(tx, "takedown")
        collections.grant(tx, other.name, takedown, read=True)
        read_progress.record_reads(tx, [(other.name, takedown.id, now() + 1000)])
    post(*({**obj, "revoked": True, "modified": text_ago(days=61)} for obj in reports[:5]))
    with store.read() as tx:
        assert len(retractions.all_receipts(tx, only_open=True)) == 5
    hub, job = leave(store, other)
    *_, done = batches.run(hub, job)
    assert (done["receipts"], done["reports"], active(store)) == (5, 0, VALUES - 5)
    with store.read() as tx:
        assert {receipt.how for receipt in retractions.all_receipts(tx)} == {"left"}


def test_returning_partner_keeps_its_remaining_reports(
    store: Store, reports: list[dict[str, Any]], bank: Partner
) -> None:
    hub, job = leave(store, bank, "a mistake")
    list(islice(batches.run(hub, job), 2))
    with store.begin() as tx:
        partners.restore(tx, bank.name)
    assert depart.resume(hub, idle_since=now() + 1) == 1
    assert active(store) == VALUES - 2
