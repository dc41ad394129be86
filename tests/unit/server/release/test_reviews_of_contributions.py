"""Contributions that may harm innocent people are stored, and published only after a review."""

from collections.abc import Callable
from typing import Any

import pytest

from schemas.partner import Partner
from server.release import review
from server.release.results import Results
from server.store import Store, inbox, reviews
from tests.times import text_ago
from tests.unit.server.release.hubs import hub_on

Joins = Callable[..., Partner]
Reports = Callable[..., dict[str, Any]]
Held = Callable[[str], dict[str, dict[str, Any]]]
Own = Callable[..., dict[str, dict[str, Any]]]
Listed = Callable[..., str]
Stix = Callable[..., list[dict[str, Any]]]
Post = Callable[..., Results]
Decide = Callable[..., None]

EVERYWHERE = ("takedown", "takedown-full", "public", "public-full")
# A bundled list of harmless sites contains it.
HARMLESS = "google.com"


@pytest.fixture
def decide(store: Store) -> Decide:
    def decide(state: reviews.ReviewState, id_: str) -> None:
        with store.begin() as tx:
            review.decide(hub_on(store), tx, [id_], state, "operator")

    return decide


@pytest.fixture
def harmless(stix: Stix) -> Callable[..., dict[str, Any]]:
    def make(by: str = "Example Bank", **columns: str) -> dict[str, Any]:
        return stix(HARMLESS, reporter=by, tlp="clear", **columns)[1]

    return make


def live(held: dict[str, dict[str, Any]]) -> set[str]:
    return {id_ for id_, obj in held.items() if obj["type"] == "indicator" and not obj.get("revoked")}


def test_harmless_value_is_stored_and_not_published(
    store: Store, harmless: Callable[..., dict[str, Any]], post: Post, held_by: Held, own_room: Own, bank: Partner
) -> None:
    indicator = harmless()
    (pending,) = post(indicator).pending
    assert "list" in pending.message
    assert indicator["id"] in held_by("inbox")
    assert not any(live(held_by(alias)) for alias in EVERYWHERE)
    assert own_room(bank, "outcomes") == {}
    with store.read() as tx:
        (waiting,) = reviews.all_reviews(tx)
    assert (inbox.object_id(waiting.object_id), waiting.partner, waiting.state) == (indicator["id"], bank.name, "open")


def test_any_number_of_partners_publishes_no_harmless_value(
    harmless: Callable[..., dict[str, Any]], post: Post, held_by: Held, joins: Joins
) -> None:
    for name in ("First Bank", "Second Bank", "Third Bank"):
        assert post(harmless(by=name), by=joins(name, authority=("domain",))).pending
    assert not any(live(held_by(alias)) for alias in EVERYWHERE)


def test_limits_do_not_publish_it_either(
    harmless: Callable[..., dict[str, Any]], stix: Stix, post: Post, own_room: Own, joins: Joins
) -> None:
    police = joins("Police", "government")
    post(stix(HARMLESS, tlp="red", only_partners="Police")[1])
    assert own_room(police) == {}


def test_pending_review_is_reported_once(store: Store, harmless: Callable[..., dict[str, Any]], post: Post) -> None:
    first = post(harmless())
    again = post(harmless())
    later = post(harmless(reported_at=text_ago(days=61), confidence="90"))
    assert {len(each.pending) for each in (first, again, later)} == {1}
    with store.read() as tx:
        assert len(reviews.all_reviews(tx)) == 1


def test_approved_report_is_published_at_once(
    harmless: Callable[..., dict[str, Any]], post: Post, held_by: Held, listed: Listed, decide: Decide
) -> None:
    indicator = harmless()
    post(indicator)
    decide("approved", indicator["id"])
    assert all(live(held_by(alias)) == {listed(indicator)} for alias in EVERYWHERE)


def test_later_versions_of_an_approved_report_pass(
    harmless: Callable[..., dict[str, Any]], post: Post, held_by: Held, listed: Listed, decide: Decide
) -> None:
    post(harmless(confidence="50"))
    decide("approved", harmless()["id"])
    outcome = post(harmless(confidence="90", reported_at=text_ago(days=61)))
    assert not outcome.pending
    assert held_by("public")[listed(harmless())]["confidence"] == 90


def test_approval_applies_to_one_partner_only(
    harmless: Callable[..., dict[str, Any]], post: Post, decide: Decide, other: Partner
) -> None:
    post(harmless())
    decide("approved", harmless()["id"])
    assert post(harmless(by=other.name), by=other).pending


def test_rejected_report_stays_unpublished_in_later_versions(
    harmless: Callable[..., dict[str, Any]], post: Post, held_by: Held, decide: Decide
) -> None:
    indicator = harmless()
    post(indicator)
    decide("rejected", indicator["id"])
    assert post(harmless(confidence="90", reported_at=text_ago(days=61))).pending
    assert not any(live(held_by(alias)) for alias in EVERYWHERE)


def test_approved_report_rejected_later_is_delisted(
    harmless: Callable[..., dict[str, Any]], post: Post, held_by: Held, listed: Listed, decide: Decide
) -> None:
    indicator = harmless()
    post(indicator)
    decide("approved", indicator["id"])
    decide("rejected", indicator["id"])
    assert all(held_by(alias)[listed(indicator)]["revoked"] for alias in EVERYWHERE)


def test_held_report_does_not_affect_reports_of_others(
    stix: Stix, post: Post, held_by: Held, listed: Listed, other: Partner, decide: Decide
) -> None:
    """It adds no reporter, no confidence and no text to the consensus."""
    ours, theirs = stix(confidence="50")[1], stix(confidence="50", reporter=other.name)[1]
    post(theirs, by=other)
    post(ours)
    post({**ours, "modified": text_ago(days=61), "revoked": True})
    before = held_by("takedown")[listed(ours)]
    assert before["confidence"] == 50
    assert post(stix(confidence="90", reported_at=text_ago(days=60))[1]).pending
    assert held_by("takedown")[listed(ours)] == before
    decide("approved", ours["id"])
    assert held_by("takedown")[listed(ours)]["confidence"] == 95
