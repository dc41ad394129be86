"""Everything that a throttled partner sends takes effect only after a review."""

from collections.abc import Callable
from typing import Any

import pytest

from schemas.partner import Partner
from server.release import review
from server.release.results import Results
from server.store import Store, partners, quotas
from server.store.database.times import now
from tests.unit.server.release.hubs import hub_on

Stix = Callable[..., list[dict[str, Any]]]
Post = Callable[..., Results]


@pytest.fixture
def police(store: Store, joins: Callable[..., Partner]) -> Partner:
    """Register the police, whose opinion delists a value, and throttle them."""
    partner = joins("Police", kind="government", reads=("takedown",))
    with store.begin() as tx:
        partners.change(tx, trusted := partner.model_copy(update={"trusted": True}))
        quotas.throttle(tx, trusted.name, "unusual-volume", now())
    return trusted


def test_its_opinion_revokes_nothing_before_its_review(
    store: Store,
    stix: Stix,
    post: Post,
    held_by: Callable[[str], dict[str, dict[str, Any]]],
    listed: Callable[..., str],
    records_of: Callable[..., dict[str, Any]],
    published: Callable[[dict[str, Any]], str],
    police: Partner,
) -> None:
    indicator = stix()[1]
    post(indicator)
    verdict = records_of(police, "outcome", of=listed(indicator), outcome="false-positive")
    assert [result.id for result in post(verdict, by=police).pending] == [verdict["id"]]
    assert not held_by("takedown")[listed(indicator)].get("revoked")
    assert published(verdict) not in held_by("sightings")
    with store.begin() as tx:
        review.decide(hub_on(store), tx, [verdict["id"]], "approved", "operator")
    assert published(verdict) in held_by("sightings")
    assert held_by("takedown")[listed(indicator)]["revoked"] is True
