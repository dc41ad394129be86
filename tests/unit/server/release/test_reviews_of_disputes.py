"""A dispute opens one review per value with all information, and ends with a response to both sides."""

import logging
from collections.abc import Callable
from typing import Any

import pytest

from mappers import extension
from schemas.partner import FocalFunction, Partner
from server.release import review
from server.release.results import Results
from server.store import Store, focal_points, hub_identity, reviews
from tests.times import text_ago
from tests.unit.server.release.hubs import hub_on

Joins = Callable[..., Partner]
Reports = Callable[..., dict[str, Any]]
Held = Callable[[str], dict[str, dict[str, Any]]]
Own = Callable[..., dict[str, dict[str, Any]]]
Listed = Callable[..., str]
Stix = Callable[..., list[dict[str, Any]]]
Post = Callable[..., Results]
Back = Callable[[Partner], list[dict[str, Any]]]

ACCOUNT = {"value": "DE89370400440532013000", "kind": "bank-account"}
WORDS = "the holder showed us the contract"
SAID = text_ago(days=30)


@pytest.fixture
def first(joins: Joins) -> Partner:
    return joins("First Bank", reads=["mule-accounts", "public", "takedown"])


@pytest.fixture
def second(joins: Joins) -> Partner:
    return joins("Second Bank", reads=["mule-accounts", "public", "takedown"])


@pytest.fixture
def police(joins: Joins) -> Partner:
    return joins("Police", "government", ["mule-accounts", "takedown"])


def waiting(store: Store) -> list[reviews.Review]:
    with store.read() as tx:
        return reviews.all_reviews(tx, "open")


def shown(store: Store) -> review.ReviewSummary:
    with store.read() as tx:
        (found,) = review.summaries(hub_on(store), tx, reviews.all_reviews(tx))
    return found


def decide(store: Store, state: reviews.ReviewState, id_: str | None = None) -> None:
    with store.begin() as tx:
        review.decide(hub_on(store), tx, [id_ or reviews.all_reviews(tx, "open")[0].object_id], state, "operator")


def grade_in(held: dict[str, dict[str, Any]]) -> list[str]:
    live = [each for each in held.values() if each["type"] == "indicator" and not each.get("revoked")]
    return [extension.context_of(each)["grade"] for each in live]


@pytest.fixture
def disputed(
    reports: Reports, records_of: Reports, listed: Listed, first: Partner, second: Partner, police: Partner
) -> dict[str, Any]:
    """Let a bank and the police report an account, another bank dispute it, and return the report."""
    said = reports(first, **ACCOUNT, confidence="80", tlp="clear")
    reports(police, **ACCOUNT, confidence="80")
    columns = {"outcome": "false-positive", "reason": "holder-verified", "description": WORDS}
    records_of(second, "outcome", of=listed(said), **columns)
    return said


def test_one_row_shows_reporters_disputes_reasons_and_collections(store: Store, disputed: dict[str, Any]) -> None:
    found = shown(store)
    assert (found.kind, found.value, found.review.rule) == ("bank-account", ACCOUNT["value"], "doubted")
    assert found.case is not None
    assert found.case.reporter_kinds == ["bank", "government"]
    (doubt,) = found.case.doubts
    assert doubt == ("Second Bank", "bank", "yes", "false-positive", "holder-verified", WORDS)
    assert found.case.collections == ["mule-accounts", "public"]


def test_further_disputes_are_added_to_the_same_row(
    store: Store, joins: Joins, disputed: dict[str, Any], records_of: Reports, listed: Listed
) -> None:
    third = joins("Third Bank", reads=["mule-accounts"])
    records_of(third, "opinion", of=listed(disputed), opinion="disagree")
    assert len(waiting(store)) == 1
    found = shown(store)
    assert found.case is not None
    assert [(each.partner, each.says) for each in found.case.doubts] == [
        ("Second Bank", "false-positive"),
        ("Third Bank", "disagree"),
    ]


def test_upheld_dispute_is_reported_to_both_sides(
    store: Store, disputed: dict[str, Any], held_by: Held, feedback_of: Back, first: Partner, second: Partner
) -> None:
    assert grade_in(held_by("mule-accounts")) == ["step-up"]
    decide(store, "approved")
    assert grade_in(held_by("mule-accounts")) == ["block"]
    assert not any(extension.context_of(each).get("disputed") for each in held_by("mule-accounts").values())
    assert [each["event"] for each in feedback_of(second)] == ["overruled"]
    assert {"disputed", "upheld"} <= {each["event"] for each in feedback_of(first)}


def test_successful_dispute_is_reported_to_both_sides(
    store: Store, disputed: dict[str, Any], held_by: Held, feedback_of: Back, first: Partner, second: Partner
) -> None:
    decide(store, "rejected")
    assert grade_in(held_by("mule-accounts")) == grade_in(held_by("public")) == []
    assert [each["event"] for each in feedback_of(second)] == ["delisted"]
    assert "delisted" in {each["event"] for each in feedback_of(first)}
    assert waiting(store) == []


def test_dispute_can_be_decided_by_the_id_of_any_listing(
    store: Store, joins: Joins, reports: Reports, records_of: Reports, own_room: Own, first: Partner, police: Partner
) -> None:
    """Also for a value only in private collections, where each listing has its own id."""
    reports(first, **ACCOUNT, confidence="80", not_to_countries="KH")
    (listing,) = (each for each in own_room(police).values() if each["type"] == "indicator")
    bank = joins("Trusted Bank", reads=["mule-accounts"], trusted=True)
    reports(police, **ACCOUNT, confidence="80", not_to_countries="KH")
    (theirs,) = (each for each in own_room(bank).values() if each["type"] == "indicator")
    assert theirs["id"] != listing["id"]
    records_of(bank, "outcome", of=theirs["id"], outcome="false-positive")
    assert [each.rule for each in waiting(store)] == ["disputed"]
    decide(store, "approved", listing["id"])
    assert waiting(store) == []
    assert grade_in(own_room(bank)) == ["block"]


@pytest.mark.parametrize("trusted", [True, False])
def test_dispute_in_a_private_collection_is_reported_as_effective(
    store: Store,
    joins: Joins,
    reports: Reports,
    records_of: Reports,
    post: Post,
    own_room: Own,
    first: Partner,
    trusted: bool,
) -> None:
    bank = joins("Other Bank", reads=["mule-accounts"], trusted=trusted)
    reports(first, **ACCOUNT, confidence="80", tlp="red", only_partners="Other Bank")
    (listing,) = (each for each in own_room(bank).values() if each["type"] == "indicator")
    said = {
        "type": "opinion",
        "spec_version": "2.1",
        "id": "opinion--00000000-0000-4000-8000-000000000001",
        "created_by_ref": bank.identity,
        "created": SAID,
        "modified": SAID,
        "opinion": "strongly-disagree",
        "object_refs": [listing["id"]],
        "object_marking_refs": listing["object_marking_refs"],
    }
    outcome = post(said, by=bank)
    (accepted,) = outcome.accepted
    assert not outcome.pending
    # A TLP:RED opinion is visible to no other partner, so it lowers nothing by itself.
    assert ("took effect" if trusted else "a person at this hub will review it") in (accepted.message or "")
    assert grade_in(own_room(bank)) == ([] if trusted else ["hold"])
    assert len(waiting(store)) == 1


def test_upheld_value_is_reviewed_again_and_not_lowered_by_the_same_dispute(
    store: Store, joins: Joins, disputed: dict[str, Any], records_of: Reports, held_by: Held, listed: Listed
) -> None:
    decide(store, "approved")
    third = joins("Third Bank", reads=["mule-accounts"])
    records_of(third, "outcome", of=listed(disputed), outcome="false-positive")
    assert grade_in(held_by("mule-accounts")) == ["block"]
    assert [each.rule for each in waiting(store)] == ["doubted"]
    decide(store, "approved")
    assert waiting(store) == []
    provider = joins("Keeping Bank", reads=["mule-accounts"], institutions=("DE8937040044",))
    records_of(provider, "outcome", of=listed(disputed), outcome="false-positive")
    assert grade_in(held_by("mule-accounts")) == ["investigate"]


def test_dispute_is_reviewed_when_the_value_is_blocked_later(
    store: Store,
    reports: Reports,
    records_of: Reports,
    listed: Listed,
    first: Partner,
    second: Partner,
    police: Partner,
) -> None:
    said = reports(first, **ACCOUNT, confidence="40")
    records_of(second, "outcome", of=listed(said), outcome="no-action")
    assert waiting(store) == []
    reports(police, **ACCOUNT, confidence="80")
    assert [each.rule for each in waiting(store)] == ["doubted"]


def test_dispute_in_the_envelope_of_the_report_is_reviewed(
    store: Store, stix: Stix, post: Post, first: Partner
) -> None:
    said = stix(reporter=first.name, confidence="90")[1]
    opinion = {
        **{name: said[name] for name in ("spec_version", "created_by_ref", "created", "modified")},
        "type": "opinion",
        "id": "opinion--00000000-0000-4000-8000-000000000002",
        "opinion": "strongly-disagree",
        "object_refs": [said["id"]],
    }
    post(said, opinion, by=first)
    assert [each.rule for each in waiting(store)] == ["doubted"]


def test_operator_is_warned_once_per_unprotected_coerced_holder(
    store: Store, caplog: pytest.LogCaptureFixture, reports: Reports, first: Partner, second: Partner
) -> None:
    with caplog.at_level(logging.WARNING):
        reports(first, **ACCOUNT, holder_status="coerced", countries="TH")
        reports(first, **ACCOUNT, holder_status="coerced", countries="TH")
    assert [each.message for each in caplog.records if "focal point" in each.message] != []
    with store.read() as tx:
        (notice,) = hub_identity.all_warnings(tx)
    assert (notice.name, notice.times) == (hub_identity.NO_FOCAL_POINT, 1)


def test_protected_coerced_holder_causes_no_warning(
    store: Store, reports: Reports, first: Partner, second: Partner
) -> None:
    with store.begin() as tx:
        focal_points.put(tx, focal_points.HUB, FocalFunction.PROTECTION, "protection@hub.example")
    reports(first, **ACCOUNT, holder_status="coerced")
    with store.read() as tx:
        assert hub_identity.all_warnings(tx) == []
