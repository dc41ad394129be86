"""Reports beyond the blocks that an organisation may cause: the queue shows a few, and one decision is about all."""

import re

import pytest
from flask import Flask

from server.features.reviews.bursts import SAMPLE
from server.store import Store, reviews
from server.store.operators.users import OperatorRole
from tests.unit.server.web.shell.people import Visitor, visitor_of
from tests.unit.server.web.shell.test_reviews import held, preview, token_of

RULE = "many-blocks"
MANY = 30


@pytest.fixture
def analyst(app: Flask) -> Visitor:
    return visitor_of(app, OperatorRole.ANALYST)


def decide(visitor: Visitor, page: str, chosen: list[str], decision: str) -> str:
    fields = {name: re.findall(rf'name="{name}" value="([^"]+)"', page) for name in ("basis", "until")}
    data = {"token": token_of(page), "id": chosen, "decision": decision, **fields}
    return visitor.client.post("/console/reviews/decide", data=data).text


def names(first: int = 0, count: int = MANY) -> list[str]:
    return [f"bad{number}.example.com" for number in range(first, first + count)]


def open_reviews(store: Store) -> int:
    with store.read() as tx:
        return reviews.count(tx)


def test_queue_shows_a_sample_of_a_burst_and_all_other_reviews(analyst: Visitor, store: Store) -> None:
    held(store, "First Bank", names(), RULE)
    held(store, "Second Bank", ["other.example.com"])
    page = analyst.get("/console/reviews").text
    assert sum(f">{name}<" in page or name in page for name in names()) <= 2 * SAMPLE
    assert page.count('name="id"') == SAMPLE + 1
    assert "other.example.com" in page
    assert analyst.get(f"/console/reviews?rule={RULE}").text.count('name="id"') > SAMPLE


@pytest.mark.parametrize(("decision", "state"), [("approve", "approved"), ("reject", "rejected")])
def test_one_decision_is_about_all_of_a_burst(analyst: Visitor, store: Store, decision: str, state: str) -> None:
    keys = held(store, "First Bank", names(), RULE)
    others = held(store, "Second Bank", names(100, 3), RULE)
    assert f"about {MANY - 1} more reports" in analyst.get(f"/console/review/{keys[0]}").text
    page = preview(analyst, keys[:1], decision)
    assert f"about {MANY - 1} more reports" in page
    decide(analyst, page, keys[:1], decision)
    with store.read() as tx:
        assert {review.state for review in reviews.states(tx, keys).values()} == {state}
        assert {review.state for review in reviews.states(tx, others).values()} == {"open"}


def test_reports_since_the_preview_are_not_decided(analyst: Visitor, store: Store) -> None:
    keys = held(store, "First Bank", names(), RULE)
    page = preview(analyst, keys[:1], "approve")
    held(store, "First Bank", names(200, 4), RULE)
    decide(analyst, page, keys[:1], "approve")
    assert open_reviews(store) == 4
