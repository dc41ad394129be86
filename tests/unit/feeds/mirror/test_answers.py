"""Listings of one value in several copies, merged."""

from typing import Any

import pytest

from feeds.mirror.answers import HubListing, lowered, merge
from schemas.lookup import ListedHold
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


def test_the_strongest_grade_counts() -> None:
    merged = merge("bank-account", [held("monitor"), held("block", "b", confidence=75), held("warn", "c")])
    assert (merged.grade, merged.confidence, merged.stale) == ("block", 75, False)
    assert merged.hubs == ("a", "b", "c")


def test_an_old_copy_never_blocks() -> None:
    merged = merge("bank-account", [held("block", stale=True)])
    assert (merged.grade, merged.stale) == ("step-up", True)


def test_a_current_block_counts_before_an_old_one() -> None:
    merged = merge("bank-account", [held("block", stale=True), held("block", "b", confidence=71)])
    assert (merged.grade, merged.stale, merged.confidence) == ("block", False, 71)


def test_a_current_listing_of_the_same_grade_is_not_stale() -> None:
    merged = merge("bank-account", [held("block", stale=True), held("step-up", "b", confidence=50)])
    assert (merged.grade, merged.stale) == ("step-up", False)


def test_an_old_listing_counts_where_it_is_stronger_after_it_was_lowered() -> None:
    merged = merge("bank-account", [held("hold", stale=True), held("monitor", "b")])
    assert (merged.grade, merged.stale) == ("step-up", True)


def test_the_hold_that_ends_last_and_any_dispute_are_shown() -> None:
    early, late = ListedHold(until="2026-12-01T00:00:00.000Z"), ListedHold(until="2026-12-02T00:00:00.000Z")
    merged = merge("bank-account", [held("hold", hold=early), held("hold", "b", hold=late, disputed=True)])
    assert (merged.hold, merged.disputed) == (late, True)


@pytest.mark.parametrize("kind", ["bank-account", "payment-alias", "wallet", "domain", "url", "phone"])
@pytest.mark.parametrize("grade", list(Action))
def test_no_grade_is_lowered_to_block_or_hold(kind: str, grade: Action) -> None:
    assert lowered(kind, grade) not in (Action.BLOCK, Action.HOLD)


def test_a_value_without_a_step_up_is_warned_of() -> None:
    assert lowered("domain", Action.BLOCK) == "warn"
