import pytest

from server.store import Store, reviews
from server.store.reviews import HeldObject

ONE = HeldObject("indicator--1", 1, "top-sites", "a site that many visit")


def test_a_held_object_waits_until_a_person_decides(store: Store) -> None:
    with store.begin() as tx:
        assert reviews.hold(tx, "bank", [ONE, ONE._replace(object_id="indicator--2")]) == {
            "indicator--1",
            "indicator--2",
        }
        assert reviews.count(tx) == 2
        assert [review.state for review in reviews.all_reviews(tx, "open")] == ["open", "open"]
        assert reviews.oldest(tx) == min(review.opened for review in reviews.all_reviews(tx))
        done = reviews.decide(tx, "indicator--1", "approved", "reviewer", "theirs")
        assert (done.state, done.decided_by, done.note) == ("approved", "reviewer", "theirs")
        assert done.decided is not None
        assert [review.object_id for review in reviews.all_reviews(tx, "open")] == ["indicator--2"]
        assert reviews.states(tx, ["indicator--1", "indicator--3"]) == {"indicator--1": done}
        with pytest.raises(reviews.UnknownReview):
            reviews.decide(tx, "indicator--3", "approved", "reviewer")


def test_later_version_waits_with_the_first(store: Store) -> None:
    with store.begin() as tx:
        reviews.hold(tx, "bank", [ONE])
        first = reviews.states(tx, [ONE.object_id])[ONE.object_id]
        reviews.hold(tx, "bank", [ONE._replace(version=2, rule="banks", message="a bank's site")])
        later = reviews.states(tx, [ONE.object_id])[ONE.object_id]
    assert later == first._replace(version=2, rule="banks", message="a bank's site")


@pytest.mark.parametrize(
    ("decided", "rule", "held"),
    [("rejected", "top-sites", True), ("rejected", "banks", True), ("approved", "top-sites", False)],
)
def test_decision_applies_to_later_versions(store: Store, decided: reviews.ReviewState, rule: str, held: bool) -> None:
    with store.begin() as tx:
        reviews.hold(tx, "bank", [ONE])
        done = reviews.decide(tx, ONE.object_id, decided, "reviewer")
        assert reviews.hold(tx, "bank", [ONE._replace(version=2, rule=rule)]) == ({ONE.object_id} if held else set())
        assert reviews.states(tx, [ONE.object_id])[ONE.object_id] == done


def test_an_approved_object_is_held_anew_by_another_rule(store: Store) -> None:
    with store.begin() as tx:
        reviews.hold(tx, "bank", [ONE])
        reviews.decide(tx, ONE.object_id, "approved", "reviewer")
        assert reviews.hold(tx, "bank", [ONE._replace(rule="banks")]) == {ONE.object_id}
        again = reviews.states(tx, [ONE.object_id])[ONE.object_id]
    assert (again.state, again.decided, again.decided_by) == ("open", None, None)


def test_reviews_are_listed_by_state_rule_and_partner(store: Store) -> None:
    with store.begin() as tx:
        reviews.hold(tx, "bank", [ONE])
        reviews.hold(tx, "ngo", [HeldObject("indicator--2", 1, "banks", "")])
        reviews.decide(tx, "indicator--2", "rejected", "reviewer")
        assert [review.partner for review in reviews.all_reviews(tx)] == ["bank", "ngo"]
        assert [review.partner for review in reviews.all_reviews(tx, "open")] == ["bank"]
        assert [review.partner for review in reviews.all_reviews(tx, rule="banks")] == ["ngo"]
        assert reviews.all_reviews(tx, partner="bank", rule="banks") == []
        assert len(reviews.all_reviews(tx, limit=1)) == 1
        assert reviews.oldest(tx) == reviews.all_reviews(tx, "open")[0].opened


def test_many_are_held_at_once(store: Store) -> None:
    many = [ONE._replace(object_id=f"indicator--{number}") for number in range(11_000)]
    with store.begin() as tx:
        assert len(reviews.hold(tx, "bank", many)) == len(many)
        assert reviews.count(tx) == len(many)
        assert reviews.hold(tx, "bank", many) == {review.object_id for review in many}
        assert len(reviews.all_reviews(tx, "open", limit=None)) == len(many)
