"""Reports of one value by several partners are one listing until the last one ends."""

from collections.abc import Callable
from typing import Any

import pytest

from mappers import extension
from schemas import timestamp
from schemas.partner import Partner
from server.store import Store, collections, log
from tests.times import text_ago

Joins = Callable[..., Partner]
Reports = Callable[..., dict[str, Any]]
Held = Callable[[str], dict[str, dict[str, Any]]]
Listed = Callable[..., str]
Withdraws = Callable[[Partner, dict[str, Any]], None]

EVERYWHERE = ("takedown", "takedown-full", "public", "public-full")


def listings(held: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    return [obj for obj in held.values() if obj["type"] == "indicator"]


@pytest.fixture
def three(joins: Joins) -> list[Partner]:
    return [joins("First Bank"), joins("Platform", "platform", country="KH"), joins("Police", "government")]


@pytest.fixture
def versions(store: Store) -> Callable[[str, str], int]:
    def count(alias: str, id_: str) -> int:
        with store.read() as tx:
            return len(log.versions(tx, collections.get(tx, alias), id_).versions)

    return count


def test_three_partners_are_one_listing_of_three_reporters(
    three: list[Partner], reports: Reports, held_by: Held, listed: Listed
) -> None:
    said = [reports(each, confidence="50", scam_type="investment") for each in three]
    (listing,) = listings(held_by("takedown"))
    ours = extension.context_of(listing)
    assert {listed(each) for each in said} == {listing["id"]}
    assert (ours["reporters"], ours["reporter_kinds"]) == (3, ["bank", "government", "platform"])
    assert listing["confidence"] == 90  # 1 - 0.5³, in steps of 5
    assert not {each["id"] for each in said} & held_by("takedown-full").keys()


def test_repeated_report_counts_once(three: list[Partner], reports: Reports, held_by: Held, listed: Listed) -> None:
    said = reports(three[0], confidence="50")
    reports(three[0], confidence="60", reported_at=text_ago(days=61))
    listing = held_by("takedown")[listed(said)]
    assert (extension.context_of(listing)["reporters"], listing["confidence"]) == (1, 60)


def test_version_is_made_only_if_readers_would_act_differently(
    three: list[Partner], reports: Reports, listed: Listed, versions: Callable[[str, str], int]
) -> None:
    first, second, third = three
    id_ = listed(reports(first, confidence="99"))
    assert versions("takedown", id_) == 1
    reports(second, confidence="99")  # now there are two
    assert versions("takedown", id_) == 2
    reports(third, confidence="99")
    assert versions("takedown", id_) == 2
    reports(third, confidence="99", countries="KH", reported_at=text_ago(days=61))
    assert versions("takedown", id_) == 3


def test_withdrawal_of_one_leaves_reports_of_the_others(
    three: list[Partner], reports: Reports, withdraws: Withdraws, held_by: Held, listed: Listed
) -> None:
    said = [reports(each, confidence="50", tlp="clear") for each in three]
    withdraws(three[0], said[0])
    for alias in EVERYWHERE:
        (listing,) = listings(held_by(alias))
        assert (listing["id"], listing.get("revoked", False)) == (listed(said[0]), False)
        assert (extension.context_of(listing)["reporters"], listing["confidence"]) == (2, 75)


def test_withdrawal_by_all_ends_the_listing_in_every_collection(
    three: list[Partner], reports: Reports, withdraws: Withdraws, held_by: Held, listed: Listed
) -> None:
    reported_at = text_ago(days=31)
    said = [reports(each, reported_at=reported_at, tlp="clear") for each in three]
    before = held_by("public")[listed(said[0])]
    for each, indicator in zip(three, said, strict=True):
        withdraws(each, indicator)
    now = timestamp.text(timestamp.now())
    for alias in EVERYWHERE:
        (listing,) = listings(held_by(alias))
        assert listing["revoked"] is True
        assert listing["valid_until"] <= now < before["valid_until"]
        assert listing["modified"] > before["modified"]


def test_value_listed_again_is_another_object(
    three: list[Partner], reports: Reports, withdraws: Withdraws, held_by: Held, listed: Listed
) -> None:
    first, second, third = three
    said = reports(first)
    withdraws(first, said)
    over = held_by("takedown")[listed(said)]
    again = reports(second)
    assert held_by("takedown")[listed(said, 1)].get("revoked", False) is False
    assert held_by("takedown")[listed(said)] == over
    withdraws(second, again)
    reports(third)
    assert [held_by("takedown")[listed(said, seq)].get("revoked", False) for seq in range(3)] == [True, True, False]
