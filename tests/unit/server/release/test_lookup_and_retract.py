"""A value leads to its indicators in any spelling, and what was said of it is taken back everywhere."""

from collections.abc import Callable
from typing import Any

import pytest

from schemas import timestamp
from schemas.errors import Rejected
from schemas.partner import Partner
from server.release.lookup import active, lookup
from server.release.retract import retract
from server.store import Store

Stix = Callable[..., list[dict[str, Any]]]


def test_a_value_is_found_in_any_spelling(store: Store, stix: Stix, post: Any) -> None:
    indicator = stix()[1]
    post(indicator)
    with store.read() as tx:
        (known,) = lookup(tx, "hxxp://BAD[.]example.com/")
    assert (known.kind, known.value) == ("domain", "bad.example.com")
    assert [each["id"] for each in known.indicators] == [indicator["id"]]


def test_a_value_that_nobody_reported_is_known_by_its_kind_alone(store: Store) -> None:
    with store.read() as tx:
        (known,) = lookup(tx, "+66812345678")
    assert (known.kind, known.indicators, known.sightings) == ("phone", [], [])


def test_what_is_no_value_is_refused_with_every_kinds_reason(store: Store) -> None:
    with store.read() as tx, pytest.raises(Rejected, match=r"domain: .*phone: .*wallet: "):
        lookup(tx, "no such thing")


def test_sightings_are_found_with_the_value(store: Store, stix: Stix, post: Any, bank: Partner) -> None:
    indicator = stix()[1]
    sighting = {
        "type": "sighting",
        "spec_version": "2.1",
        "id": "sighting--ee20065d-2555-424f-ad9e-0f8428623c75",
        "created_by_ref": bank.identity,
        "created": "2026-10-01T09:00:00.000Z",
        "modified": "2026-10-01T09:00:00.000Z",
        "sighting_of_ref": indicator["id"],
        "count": 3,
    }
    post(indicator, sighting)
    with store.read() as tx:
        (known,) = lookup(tx, "bad.example.com")
    assert [each["count"] for each in known.sightings] == [3]


def test_an_expired_indicator_is_not_active(stix: Stix) -> None:
    indicator = stix()[1]
    assert active(indicator, timestamp.parse(indicator["modified"]))
    assert not active(indicator, timestamp.parse(indicator["valid_until"]))
    assert not active({**indicator, "revoked": True}, timestamp.parse(indicator["modified"]))


@pytest.mark.parametrize("by", ["value", "id"])
def test_a_retracted_indicator_is_revoked_everywhere(
    store: Store, stix: Stix, post: Any, held_by: Any, by: str
) -> None:
    indicator = stix(tlp="clear", reported_at="2026-11-20")[1]
    post(indicator)
    with store.begin() as tx:
        done = retract(tx, "bad.example.com" if by == "value" else indicator["id"])
    assert [(each.indicator, each.partner) for each in done] == [(indicator["id"], "Example Bank")]
    assert all(held_by(alias)[indicator["id"]]["revoked"] for alias in ("takedown", "public", "inbox"))


def test_a_partner_takes_back_only_its_own(store: Store, stix: Stix, post: Any, other: Partner) -> None:
    indicator = stix(reported_at="2026-11-20")[1]
    post(indicator)
    with store.begin() as tx:
        assert retract(tx, "bad.example.com", other) == []
        assert retract(tx, indicator["id"], other) == []


def test_retracting_twice_changes_nothing(store: Store, stix: Stix, post: Any, held_by: Any) -> None:
    indicator = stix(reported_at="2026-11-20")[1]
    post(indicator)
    with store.begin() as tx:
        retract(tx, indicator["id"])
    before = held_by("takedown")
    with store.begin() as tx:
        assert retract(tx, indicator["id"]) == []
    assert held_by("takedown") == before
