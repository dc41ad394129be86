"""A partner's events page by page: each once, newest first, and filtered."""

from collections.abc import Callable
from typing import Any

import pytest

from schemas.partner import Partner
from server.features.reports import feedback
from server.features.reports.feedback import EventFilter, EventPlace
from server.release.results import Results
from server.store import Store, collections, log

Stix = Callable[..., list[dict[str, Any]]]
Post = Callable[..., Results]
EVERY = EventFilter()
VALUES = ("one.example.com", "two.example.com", "three.example.com")


@pytest.fixture(autouse=True)
def _reported(stix: Stix, post: Post, other: Partner) -> None:
    for value in VALUES:
        post(*stix(value, reference=f"R-{value[:3]}"))
    # Each value is confirmed by another partner afterwards.
    post(*(obj for value in VALUES for obj in stix(value, reporter=other.name)), by=other)


def every(store: Store, partner: str, wanted: EventFilter = EVERY, most: int = 100) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    place: EventPlace | None = None
    with store.read() as tx:
        for _ in range(50):
            page = feedback.page(tx, partner, wanted, place, most)
            found, place = found + page.rows, page.following
            if place is None:
                return found
    raise AssertionError("the pages have no end")


@pytest.mark.parametrize("most", [1, 2, 4, 100])
def test_pages_of_any_size_have_every_event_once(store: Store, bank: Partner, most: int) -> None:
    with store.read() as tx:
        told = feedback.told(tx, bank.name, None, 1_000)
    rows = every(store, bank.name, most=most)
    key = ("event", "object", "note")
    assert sorted([row[name] for name in key] for row in rows) == sorted([row[name] for name in key] for row in told)
    assert len(rows) == 2 * len(VALUES)
    assert [row["event"] for row in rows][:3] == ["corroborated"] * 3


def test_events_are_found_by_type_kind_reference_value_and_time(store: Store, bank: Partner) -> None:
    with store.read() as tx:
        mine = feedback.own_reports(tx, bank.name, ["domain:two.example.com"])
        collection = collections.find_private(tx, bank.name, "outcomes")
        assert collection is not None
        last = log.last_added(tx, collection)
    assert len(mine) == 1
    for wanted, count in (
        (EventFilter(event="released"), 3),
        (EventFilter(event="sighted"), 0),
        (EventFilter(kind="domain"), 6),
        (EventFilter(kind="wallet"), 0),
        (EventFilter(reference="R-thr"), 2),
        (EventFilter(ending="wo.example.com"), 2),
        (EventFilter(ending="no.example.com"), 0),
        (EventFilter(ids=mine), 2),
        (EventFilter(ids=frozenset()), 0),
        (EventFilter(since=last or 0), 3),
        (EventFilter(since=(last or 0) + 1), 0),
    ):
        for most in (1, 100):
            assert len(every(store, bank.name, wanted, most)) == count, wanted
    assert {row["value"] for row in every(store, bank.name, EventFilter(ids=mine))} == {"two.example.com"}


def test_shared_value_shows_only_the_own_report(store: Store, bank: Partner, other: Partner) -> None:
    with store.read() as tx:
        mine, theirs = (feedback.own_reports(tx, name, ["domain:one.example.com"]) for name in (bank.name, other.name))
        assert mine != theirs
        assert feedback.own_values(tx, bank.name, theirs) == {}


def test_page_of_events_is_bounded_and_names_its_end(
    store: Store, bank: Partner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feedback, "_LOOKED_AT", 1)
    with store.read() as tx:
        page = feedback.page(tx, bank.name, EventFilter(kind="wallet"))
    assert page.rows == []
    assert page.following is not None
    assert page.looked_back_to == page.following.added
    assert len(every(store, bank.name)) == 6
