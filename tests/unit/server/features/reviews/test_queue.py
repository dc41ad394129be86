"""The review queue: filtered, page by page, with counter-evidence and similar cases for each value."""

from collections.abc import Callable
from typing import Any

import pytest

from schemas.fields import Evidence
from schemas.partner import Partner
from server.features.objections import records as objections
from server.features.objections.records import Objection
from server.features.questions.asking import ask
from server.features.reviews import queue as review_queue
from server.features.reviews.cautions import Background, backgrounds
from server.features.reviews.queue import QueueFilter, QueuePage, QueuePlace, queue_page
from server.features.reviews.similar import similar
from server.release import review as reviewing
from server.release.results import Results
from server.store import Store, inbox, partners, reputation, reviews, value_index
from server.store.database.times import now
from server.store.reviews import HeldObject
from tests.unit.server.release.hubs import hub_on

Joins = Callable[..., Partner]
Stix = Callable[..., list[dict[str, Any]]]
Post = Callable[..., Results]
Hold = Callable[..., str]


@pytest.fixture
def hold(store: Store, stix: Stix, post: Post) -> Hold:
    """Let a partner report a value that a rule holds, and return the review's id."""

    def held(by: Partner, value: str, kind: str = "domain", rule: str = "mostly-held", **columns: Any) -> str:
        objects = stix(value, kind, reporter=by.name, **columns)
        [id_] = [obj["id"] for obj in objects if obj["type"] == "indicator"]
        with store.begin() as tx:
            key = inbox.key(partners.space(tx, by.name), id_)
            reviews.hold(tx, by.name, [HeldObject(key, None, rule, "a test")])
        post(*objects, by=by)
        return key

    return held


def page(store: Store, after: QueuePlace | None = None, most: int = 50, **wanted: Any) -> QueuePage:
    with store.read() as tx:
        return queue_page(hub_on(store), tx, QueueFilter(**wanted), after, most)


def values(found: QueuePage) -> list[str | None]:
    return [row.value for row in found.rows]


def background(store: Store, id_: str) -> Background:
    with store.read() as tx:
        hub = hub_on(store)
        return backgrounds(hub, tx, reviewing.summaries(hub, tx, [reviewing.find(tx, id_)]))[id_]


def codes(store: Store, id_: str) -> list[str]:
    return [caution.code for caution in background(store, id_).cautions]


@pytest.fixture
def first(joins: Joins) -> Partner:
    return joins("First Bank", reads=["mule-accounts", "takedown"])


@pytest.fixture
def second(joins: Joins) -> Partner:
    return joins("Second Bank", country="VN", reads=["mule-accounts", "takedown"])


def test_each_filter_finds_its_reviews(store: Store, first: Partner, second: Partner, hold: Hold) -> None:
    hold(first, "a.example.net")
    hold(second, "b.example.net", rule="unusual-volume")
    hold(second, "+66812345678", "phone")
    assert values(page(store)) == ["a.example.net", "b.example.net", "+66812345678"]
    assert values(page(store, rule="unusual-volume")) == ["b.example.net"]
    assert values(page(store, partner="Second Bank", rule="mostly-held")) == ["+66812345678"]
    assert values(page(store, country="VN")) == ["b.example.net", "+66812345678"]
    assert values(page(store, kind="phone")) == ["+66812345678"]
    assert values(page(store, opened_before=now())) == values(page(store))
    assert values(page(store, opened_before=now() - 3_600_000_000)) == []
    assert values(page(store, state="approved")) == []


def test_next_page_continues_after_the_last_one(store: Store, first: Partner, second: Partner, hold: Hold) -> None:
    wanted = [f"p{number}.example.net" for number in range(7)]
    for value in wanted:
        hold(first, value)
        hold(second, f"x{value}")
    found, place = [], None
    for _ in range(9):
        got = page(store, place, 2, partner="First Bank", country="TH")
        found, place = found + values(got), got.place
        if place is None:
            break
    assert found == wanted


def test_filter_without_results_scans_a_bounded_part(
    store: Store, first: Partner, hold: Hold, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(review_queue, "MOST_LOOKED_AT", 4)
    for number in range(9):
        hold(first, f"p{number}.example.net")
    once = page(store, most=1, kind="phone")
    assert once.rows == []
    assert once.place is not None
    rest = page(store, once.place, 1, kind="phone")
    assert rest.place is not None
    assert page(store, rest.place, 1, kind="phone").place is None


def test_filter_reads_only_rows_of_its_index(store: Store) -> None:
    for column in ("rule", "partner"):
        with store.read() as tx:
            statement = f"SELECT * FROM reviews WHERE state='open' AND {column}='x' ORDER BY opened LIMIT 9"  # noqa: S608
            plan = str(tx.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}").all())
        assert f"ix_reviews_{column}" in plan
        assert "TEMP B-TREE" not in plan


@pytest.mark.parametrize(
    ("value", "kind", "code"),
    [
        ("kasikornbank.com", "domain", "list-owned"),
        ("bit.ly", "domain", "list-shared"),
        ("imdb.com", "domain", "list-sites"),
        ("8.8.8.8", "ip", "list-addresses"),
    ],
)
def test_allowlisted_value_is_shown_for_every_hold_reason(
    store: Store, first: Partner, hold: Hold, value: str, kind: str, code: str
) -> None:
    assert codes(store, hold(first, value, kind, rule="unusual-volume")) == [code]


def test_counter_statements_are_shown(
    store: Store, first: Partner, second: Partner, hold: Hold, reports: Any, records_of: Any, listed: Any
) -> None:
    said = reports(second, "shop.example.net")
    columns = {"outcome": "false-positive", "reason": "legitimate-use"}
    records_of(first, "outcome", of=listed(said), **columns)
    with store.begin() as tx:
        value_index.add_own_values(tx, "Second Bank", ["domain:shop.example.net"])
        objections.add(
            tx, Objection("o1", "domain", "own-business", None, None, now(), now()), ["domain:shop.example.net"]
        )
    found = background(store, hold(first, "shop.example.net"))
    assert [caution.code for caution in found.cautions] == ["own-value", "doubted", "objected"]
    assert found.cautions[1].values["partner"] == "First Bank"
    assert found.reporters == {"bank": 1}


def test_account_of_a_deceived_holder_is_a_victims(store: Store, first: Partner, hold: Hold) -> None:
    account = ("DE89370400440532013000", "bank-account")
    assert "holder" in codes(store, hold(first, *account, holder_status="deceived"))


def test_similar_reviews_are_found_by_value_case_evidence_and_rule(
    store: Store, first: Partner, second: Partner, hold: Hold
) -> None:
    id_ = hold(first, "a.example.net", reference="C-7", evidence=(Evidence(sha256="a" * 64),))
    hold(second, "a.example.net", rule="unusual-volume")
    hold(first, "b.example.net", rule="unusual-volume", reference="C-7")
    hold(first, "c.example.net", rule="unusual-volume", evidence=(Evidence(sha256="a" * 64),))
    hold(first, "d.example.net")
    hold(first, "e.example.net", rule="unusual-volume")
    with store.read() as tx:
        hub = hub_on(store)
        found = similar(hub, tx, reviewing.summaries(hub, tx, [reviewing.find(tx, id_)])[0])
    assert [row.review.partner for row in found.same_value] == ["Second Bank"]
    assert [row.value for row in found.same_case] == ["b.example.net", "c.example.net"]
    assert [row.value for row in found.same_rule] == ["d.example.net"]
    assert not found.is_more


def test_contributor_of_a_held_object_is_questioned(
    store: Store, first: Partner, second: Partner, hold: Hold, feedback_of: Callable[[Partner], Any]
) -> None:
    id_ = hold(first, "a.example.net")
    with store.begin() as tx:
        assert ask(hub_on(store), tx, "which page shows it?", "x", ["domain:a.example.net"], [id_]) == 1
    assert [event["event"] for event in feedback_of(first)] == ["requested"]
    assert feedback_of(second) == []


def test_often_wrong_partner_is_named_and_its_values_are_no_traps(store: Store, first: Partner, hold: Hold) -> None:
    with store.begin() as tx:
        reputation.add(tx, [reputation.JudgedReport("First Bank", "domain", 0.9, right=False)] * 3)
    [caution] = background(store, hold(first, "a.example.net")).cautions
    assert (caution.code, caution.values["wrong"], caution.is_of_value) == ("often-wrong", 3, False)
