"""Which listing counts when several copies list one value."""

from typing import Any

import pytest

from feeds.client.mirror.answers import HubListing, MergedListings, in_order, lowered, merge
from schemas.api.lookup import ListedHold
from schemas.vocabulary import Action

END = "2027-01-01T00:00:00.000Z"


def held(grade: str, hub: str = "a", *, stale: bool = False, **fields: Any) -> HubListing:
    given = {"confidence": 80, "disputed": False, "valid_until": END, "collection": "mule-accounts", **fields}
    return HubListing(
        hub=hub,
        as_of=None,
        stale=stale,
        id="indicator--1",
        grade=Action(grade),
        reporter_kinds=(),
        scam_type="unknown",
        modified="2026-01-01T00:00:00.000Z",
        tlp="amber",
        **given,
    )


def merged(kind: str, found: list[HubListing]) -> MergedListings:
    return merge(kind, in_order(kind, found))


def test_the_strongest_grade_counts() -> None:
    counts = merged("bank-account", [held("monitor"), held("block", "b", confidence=75), held("warn", "c")])
    assert (counts.grade, counts.confidence, counts.stale) == ("block", 75, False)
    assert counts.hubs == ("b", "c", "a")


def test_an_old_copy_never_blocks() -> None:
    counts = merged("bank-account", [held("block", stale=True)])
    assert (counts.grade, counts.stale) == ("step-up", True)


def test_a_current_block_counts_before_an_old_one() -> None:
    counts = merged("bank-account", [held("block", stale=True), held("block", "b", confidence=71)])
    assert (counts.grade, counts.stale, counts.confidence) == ("block", False, 71)


def test_a_current_listing_of_the_same_grade_is_not_stale() -> None:
    counts = merged("bank-account", [held("block", stale=True), held("step-up", "b", confidence=50)])
    assert (counts.grade, counts.stale) == ("step-up", False)


def test_old_listing_counts_if_it_is_stronger_after_lowering() -> None:
    counts = merged("bank-account", [held("hold", stale=True), held("monitor", "b")])
    assert (counts.grade, counts.stale) == ("step-up", True)


def test_latest_hold_and_any_dispute_are_shown() -> None:
    early, late = ListedHold(until="2026-12-01T00:00:00.000Z"), ListedHold(until="2026-12-02T00:00:00.000Z")
    counts = merged("bank-account", [held("hold", hold=early), held("hold", "b", hold=late, disputed=True)])
    assert (counts.hold, counts.disputed) == (late, True)


def test_an_old_copy_holds_no_money() -> None:
    hold = ListedHold(until="2026-12-01T00:00:00.000Z")
    assert merged("bank-account", [held("hold", stale=True, hold=hold)]).hold is None
    both = merged("bank-account", [held("hold", stale=True, hold=hold), held("monitor", "b")])
    assert both.hold is None


@pytest.mark.parametrize("kind", ["bank-account", "payment-alias", "wallet", "domain", "url", "phone"])
@pytest.mark.parametrize("grade", list(Action))
def test_no_grade_is_lowered_to_block_or_hold(kind: str, grade: Action) -> None:
    assert lowered(kind, grade) not in (Action.BLOCK, Action.HOLD)


def test_value_without_a_step_up_gets_a_warning() -> None:
    assert lowered("domain", Action.BLOCK) == "warn"
