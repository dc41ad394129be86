"""Any spelling of a value finds its indicators, and a retraction applies everywhere."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from mappers import extension
from schemas import timestamp
from schemas.errors import Rejected
from schemas.partner import Partner
from server.release import review
from server.release.query.lookup import is_active, lookup
from server.release.retract import retract
from server.store import Store
from tests.times import text_ago
from tests.unit.server.release.hubs import hub_on

Stix = Callable[..., list[dict[str, Any]]]
SAID, RECENT = text_ago(days=61, hours=23), text_ago(days=12)


def test_a_value_is_found_in_any_spelling(store: Store, stix: Stix, post: Any) -> None:
    indicator = stix()[1]
    post(indicator)
    with store.read() as tx:
        (known,) = lookup(tx, "hxxp://BAD[.]example.com/")
    assert (known.kind, known.value) == ("domain", "bad.example.com")
    assert [each["id"] for each in known.indicators] == [indicator["id"]]


def test_unreported_value_has_only_its_kind(store: Store) -> None:
    with store.read() as tx:
        (known,) = lookup(tx, "+66812345678")
    assert (known.kind, known.indicators, known.sightings) == ("phone", [], [])


def test_malformed_value_is_refused_with_a_link_to_the_reason(store: Store) -> None:
    with store.read() as tx, pytest.raises(Rejected, match="name the kind before it"):
        lookup(tx, "no such thing")


def test_sightings_are_found_with_the_value(store: Store, stix: Stix, post: Any, bank: Partner) -> None:
    indicator = stix()[1]
    sighting = {
        "type": "sighting",
        "spec_version": "2.1",
        "id": "sighting--ee20065d-2555-424f-ad9e-0f8428623c75",
        "created_by_ref": bank.identity,
        "created": SAID,
        "modified": SAID,
        "sighting_of_ref": indicator["id"],
        "count": 3,
    }
    post(indicator, sighting)
    with store.read() as tx:
        (known,) = lookup(tx, "bad.example.com")
    assert [each["count"] for each in known.sightings] == [3]


def test_an_expired_indicator_is_not_active(stix: Stix) -> None:
    indicator = stix()[1]
    assert is_active(indicator, timestamp.parse(indicator["modified"]))
    assert not is_active(indicator, timestamp.parse(indicator["valid_until"]))
    assert not is_active({**indicator, "revoked": True}, timestamp.parse(indicator["modified"]))


@pytest.mark.parametrize("by", ["value", "id"])
def test_retraction_revokes_the_indicator_and_the_listing(
    store: Store, stix: Stix, post: Any, held_by: Any, listed: Any, by: str
) -> None:
    indicator = stix(tlp="clear", reported_at=RECENT)[1]
    post(indicator)
    with store.begin() as tx:
        done = retract(hub_on(store), tx, "bad.example.com" if by == "value" else indicator["id"])
    assert [(each.indicator, each.partner) for each in done] == [(indicator["id"], "Example Bank")]
    assert held_by("inbox")[indicator["id"]]["revoked"]
    assert all(held_by(alias)[listed(indicator)]["revoked"] for alias in ("takedown", "public", "public-full"))


def test_listing_can_be_retracted_by_its_id(
    store: Store, stix: Stix, post: Any, held_by: Any, listed: Any, other: Partner
) -> None:
    indicator, theirs = stix(reported_at=RECENT)[1], stix(reported_at=RECENT, reporter=other.name)[1]
    post(indicator)
    post(theirs, by=other)
    with store.begin() as tx:
        done = retract(hub_on(store), tx, listed(indicator))
    assert {each.indicator for each in done} == {indicator["id"], theirs["id"]}
    assert held_by("takedown")[listed(indicator)]["revoked"]


def test_retraction_of_one_partner_leaves_reports_of_others(
    store: Store, stix: Stix, post: Any, held_by: Any, listed: Any, bank: Partner, other: Partner
) -> None:
    indicator, theirs = stix(reported_at=RECENT)[1], stix(reported_at=RECENT, reporter=other.name)[1]
    post(indicator)
    post(theirs, by=other)
    with store.begin() as tx:
        done = retract(hub_on(store), tx, "bad.example.com", partner=bank)
    assert [each.indicator for each in done] == [indicator["id"]]
    now = held_by("takedown")[listed(indicator)]
    assert not now.get("revoked")
    assert extension.context_of(now)["reporters"] == 1


def test_delisted_listing_is_found_with_the_value(
    store: Store, stix: Stix, post: Any, held_by: Any, listed: Any
) -> None:
    indicator = stix(tlp="clear", reported_at=RECENT)[1]

    def listings() -> list[dict[str, Any]]:
        with store.read() as tx:
            (known,) = lookup(tx, "bad.example.com")
        assert [each["id"] for each in known.indicators] == [indicator["id"]]
        return known.listings

    post(indicator)
    assert listings() == [held_by("takedown")[listed(indicator)]]
    with store.begin() as tx:
        retract(hub_on(store), tx, indicator["id"])
    assert listings() == [held_by("public")[listed(indicator)]]
    assert listings()[0]["revoked"]


def test_partner_retracts_only_its_own_reports(store: Store, stix: Stix, post: Any, other: Partner) -> None:
    indicator = stix(reported_at=RECENT)[1]
    post(indicator)
    with store.begin() as tx:
        assert retract(hub_on(store), tx, "bad.example.com", partner=other) == []
        assert retract(hub_on(store), tx, indicator["id"], partner=other) == []


def test_retracting_twice_changes_nothing(store: Store, stix: Stix, post: Any, held_by: Any, listed: Any) -> None:
    indicator = stix(reported_at=RECENT)[1]
    post(indicator)
    with store.begin() as tx:
        retract(hub_on(store), tx, indicator["id"])
    before = held_by("takedown")
    for again in (indicator["id"], listed(indicator), "bad.example.com"):
        with store.begin() as tx:
            assert retract(hub_on(store), tx, again) == []
    assert held_by("takedown") == before


def test_one_approval_allows_a_refuted_reporter_to_list_the_value_again(
    store: Store, stix: Stix, post: Any, held_by: Any
) -> None:
    first = stix(reported_at=RECENT)[1]
    post(first)
    with store.begin() as tx:
        retract(hub_on(store), tx, "bad.example.com")
    (waits,) = post(stix(reported_at=timestamp.text(timestamp.now() + timedelta(seconds=1)))[1]).pending
    assert waits.id == first["id"]
    with store.begin() as tx:
        review.decide(hub_on(store), tx, [first["id"]], "approved", "operator")
    assert not post(stix(reported_at=timestamp.text(timestamp.now() + timedelta(seconds=2)), action="warn")[1]).pending
    live = [each for each in held_by("takedown").values() if each.get("pattern") and not each.get("revoked")]
    assert [each["pattern"] for each in live] == [first["pattern"]]
