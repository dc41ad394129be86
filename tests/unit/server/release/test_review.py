from collections.abc import Callable
from typing import Any

import pytest

from schemas.partner import Partner
from server.release import review
from server.release.results import Results
from server.store import Store, audit, reviews
from server.store.reviews import UnknownReview
from tests.times import text_ago
from tests.unit.server.release.hubs import hub_on

HeldBy = Callable[[str], dict[str, dict[str, Any]]]
Stix = Callable[..., list[dict[str, Any]]]
Post = Callable[..., Results]
Listed = Callable[..., str]

# A widely visited site, which the guard always holds for review.
SITE = "wikipedia.org"


@pytest.fixture
def held(stix: Stix, post: Post, store: Store) -> dict[str, Any]:
    """Contribute an object that the guard holds."""
    (indicator,) = (obj for obj in stix(SITE) if obj["type"] == "indicator")
    assert [each.id for each in post(indicator).pending] == [indicator["id"]]
    with store.read() as tx:
        assert reviews.count(tx) == 1
    return indicator


def test_approved_object_is_published_at_once(
    held: dict[str, Any], store: Store, held_by: HeldBy, listed: Listed
) -> None:
    assert listed(held) not in held_by("takedown")
    with store.begin() as tx:
        (done,) = review.decide(hub_on(store), tx, [held["id"]], "approved", "reviewer", "theirs")
    assert (done.state, done.decided_by, done.note) == ("approved", "reviewer", "theirs")
    assert listed(held) in held_by("takedown")


def test_rejected_object_stays_unpublished_after_later_contributions(
    held: dict[str, Any], store: Store, held_by: HeldBy, listed: Listed, post: Post
) -> None:
    with store.begin() as tx:
        assert [each.state for each in review.decide(hub_on(store), tx, [held["id"]], "rejected", "reviewer")] == [
            "rejected"
        ]
    post({**held, "modified": text_ago(days=31), "confidence": 99})
    assert listed(held) not in held_by("takedown")
    with store.read() as tx:
        assert reviews.count(tx) == 0


def test_every_decision_is_audited_with_its_actor(held: dict[str, Any], store: Store) -> None:
    with store.begin() as tx:
        review.decide(hub_on(store), tx, [held["id"]], "approved", "reviewer")
        review.decide(hub_on(store), tx, [held["id"]], "rejected", "another")
    with store.read() as tx:
        found = [(each.event.method, each.event.remote, each.event.reference) for each in audit.tail(tx, 2)]
        assert audit.verify(tx) == []
    assert found == [("REJECT", "another", held["id"]), ("APPROVE", "reviewer", held["id"])]


def test_failing_decision_undoes_the_batch(held: dict[str, Any], store: Store) -> None:
    with pytest.raises(UnknownReview), store.begin() as tx:
        review.decide(
            hub_on(store), tx, [held["id"], "indicator--00000000-0000-4000-8000-000000000000"], "approved", "reviewer"
        )
    with store.read() as tx:
        assert reviews.count(tx) == 1


def test_review_shows_kind_and_value_if_readable(held: dict[str, Any], store: Store, bank: Partner) -> None:
    tool = "tool--00000000-0000-4000-8000-000000000000"
    with store.begin() as tx:
        reviews.hold(tx, bank.name, [reviews.HeldObject(tool, 1, "a-rule", "")])
        found = review.summaries(hub_on(store), tx, reviews.all_reviews(tx, "open"))
    assert {(each.kind, each.value) for each in found} == {("domain", SITE), ("tool", None)}
