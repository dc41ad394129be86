"""A value that a trusted partner disputes as a false positive is in no collection until a person reviews it."""

from collections.abc import Callable
from typing import Any

import pytest

from mappers import extension
from schemas.partner import Partner
from server.release import review
from server.release.results import Results
from server.store import Store, reputation, reviews
from tests.times import text_ago
from tests.unit.server.release.hubs import hub_on

Joins = Callable[..., Partner]
Reports = Callable[..., dict[str, Any]]
Held = Callable[[str], dict[str, dict[str, Any]]]
Listed = Callable[..., str]
Stix = Callable[..., list[dict[str, Any]]]
Post = Callable[..., Results]
Decide = Callable[..., None]

EVERYWHERE = ("takedown", "takedown-full", "public", "public-full")


@pytest.fixture
def first(joins: Joins) -> Partner:
    return joins("First Bank", reads=["takedown"])


@pytest.fixture
def second(joins: Joins) -> Partner:
    return joins("Second Bank", reads=["takedown"])


@pytest.fixture
def trusted(joins: Joins) -> Partner:
    return joins("Registry", "platform", reads=["takedown"], trusted=True)


@pytest.fixture
def decide(store: Store) -> Decide:
    def decide(state: reviews.ReviewState, id_: str) -> None:
        with store.begin() as tx:
            review.decide(hub_on(store), tx, [id_], state, "operator")

    return decide


@pytest.fixture
def disputed(reports: Reports, records_of: Reports, listed: Listed, first: Partner, trusted: Partner) -> dict[str, Any]:
    """Report a value, have it disputed, and return the indicator."""
    said = reports(first, tlp="clear")
    records_of(trusted, "outcome", of=listed(said), outcome="false-positive")
    return said


def live(held: dict[str, dict[str, Any]]) -> set[str]:
    return {id_ for id_, obj in held.items() if obj["type"] == "indicator" and not obj.get("revoked")}


def test_disputed_value_leaves_every_collection_and_waits_for_review(
    store: Store, disputed: dict[str, Any], held_by: Held, listed: Listed, trusted: Partner
) -> None:
    assert all(held_by(alias)[listed(disputed)]["revoked"] for alias in EVERYWHERE)
    with store.read() as tx:
        (waiting,) = reviews.all_reviews(tx, "open")
    assert (waiting.object_id, waiting.partner, waiting.rule) == (listed(disputed), trusted.name, "disputed")


@pytest.mark.parametrize(
    ("which", "columns"),
    [
        ("outcome", {"outcome": "false-positive", "reason": "legitimate-use"}),
        ("opinion", {"opinion": "strongly-disagree"}),
    ],
)
def test_an_outcome_disputes_and_so_does_an_opinion(
    reports: Reports,
    records_of: Reports,
    held_by: Held,
    listed: Listed,
    first: Partner,
    trusted: Partner,
    which: str,
    columns: dict[str, str],
) -> None:
    said = reports(first)
    records_of(trusted, which, of=listed(said), **columns)
    assert held_by("takedown")[listed(said)]["revoked"] is True


def test_untrusted_dispute_lowers_confidence_and_delists_nothing(
    store: Store, reports: Reports, records_of: Reports, held_by: Held, listed: Listed, first: Partner, second: Partner
) -> None:
    said = reports(first, confidence="90")
    records_of(second, "outcome", of=listed(said), outcome="false-positive")
    listing = held_by("takedown")[listed(said)]
    assert (listing.get("revoked", False), listing["confidence"]) == (False, 45)
    assert (extension.context_of(listing)["disputed"], extension.context_of(listing)["grade"]) == (True, "monitor")
    with store.read() as tx:
        (waiting,) = reviews.all_reviews(tx)
    assert (waiting.rule, waiting.partner, waiting.state) == ("doubted", second.name, "open")


def test_reports_during_the_dispute_wait(
    disputed: dict[str, Any], stix: Stix, post: Post, held_by: Held, second: Partner
) -> None:
    theirs = stix(reporter=second.name, tlp="clear")[1]
    (pending,) = post(theirs, by=second).pending
    assert "in dispute" in pending.message
    assert theirs["id"] in held_by("inbox")
    assert all(live(held_by(alias)) == set() for alias in EVERYWHERE)


def test_upheld_value_is_listed_again_as_a_new_object(
    disputed: dict[str, Any], decide: Decide, held_by: Held, listed: Listed
) -> None:
    decide("approved", listed(disputed))
    for alias in EVERYWHERE:
        assert live(held_by(alias)) == {listed(disputed, 1)}
        assert held_by(alias)[listed(disputed)]["revoked"] is True
    assert not extension.context_of(held_by("public")[listed(disputed, 1)]).get("disputed")


def test_the_same_verdict_does_not_dispute_it_again_and_a_new_one_does(
    disputed: dict[str, Any],
    decide: Decide,
    reports: Reports,
    records_of: Reports,
    held_by: Held,
    listed: Listed,
    second: Partner,
    trusted: Partner,
) -> None:
    decide("approved", listed(disputed))
    reports(second, tlp="clear")
    records_of(trusted, "outcome", of=listed(disputed), outcome="false-positive")
    assert live(held_by("public")) == {listed(disputed, 1)}
    records_of(trusted, "outcome", of=listed(disputed, 1), outcome="false-positive")
    assert live(held_by("public")) == set()


NEW_ID = "indicator--ee20065d-2555-424f-ad9e-0f8428623c75"


@pytest.mark.parametrize("change", [{}, {"id": NEW_ID}], ids=["same id", "another id"])
def test_wrong_value_stays_delisted_and_its_repeat_is_reviewed(
    disputed: dict[str, Any],
    decide: Decide,
    stix: Stix,
    post: Post,
    held_by: Held,
    listed: Listed,
    first: Partner,
    change: dict[str, str],
) -> None:
    decide("rejected", listed(disputed))
    assert all(live(held_by(alias)) == set() for alias in EVERYWHERE)
    again = stix(reporter=first.name, tlp="clear", confidence="90", reported_at=text_ago(days=22))[1] | change
    assert [each.id for each in post(again, by=first).pending] == [again["id"]]
    assert all(live(held_by(alias)) == set() for alias in EVERYWHERE)


def test_wrong_value_of_another_partner_is_listed_after_review(
    disputed: dict[str, Any],
    decide: Decide,
    stix: Stix,
    post: Post,
    held_by: Held,
    listed: Listed,
    second: Partner,
) -> None:
    decide("rejected", listed(disputed))
    theirs = stix(reporter=second.name, tlp="clear")[1]
    assert post(theirs, by=second).pending
    assert all(live(held_by(alias)) == set() for alias in EVERYWHERE)
    decide("approved", theirs["id"])
    for alias in EVERYWHERE:
        assert live(held_by(alias)) == {listed(disputed, 1)}
        assert extension.context_of(held_by(alias)[listed(disputed, 1)])["reporters"] == 1


def test_reporters_of_a_wrong_value_lose_reliability(
    store: Store, disputed: dict[str, Any], decide: Decide, listed: Listed, first: Partner
) -> None:
    decide("rejected", listed(disputed))
    with store.read() as tx:
        known = reputation.calibrations_of(tx, 5)[first.name, "domain"]
    assert (known.confirmed, known.wrong) == (0, 1)
