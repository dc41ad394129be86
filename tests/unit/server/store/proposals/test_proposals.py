"""Proposals are kept as they were made, end once, and are forgotten in the end."""

import pytest

from server.store import Store
from server.store.proposals import proposals
from server.store.proposals.proposals import Effect, UnknownProposal

DAY = 86_400 * 1_000_000


def add(
    store: Store, *, lasts: int = DAY, by: str = "Anong", value: str = "x", action: str = "erase"
) -> proposals.Proposal:
    with store.begin() as tx:
        return proposals.add(
            tx,
            action,
            {"value": value, "a": 1},
            [Effect("goes", {"to": ["a", 1]})],
            b"basis",
            by,
            lasts=lasts,
            note="why",
        )


def test_a_proposal_is_kept_as_it_was_made(store: Store) -> None:
    made = add(store)
    with store.read() as tx:
        assert proposals.find(tx, made.id) == made
        assert proposals.all_proposals(tx) == [made]
        with pytest.raises(UnknownProposal):
            proposals.find(tx, "another")


def test_what_is_decided_is_listed_with_all_alone(store: Store) -> None:
    made = add(store)
    with store.begin() as tx:
        proposals.decide(tx, made.id, "rejected", "Boon")
    with store.read() as tx:
        assert proposals.all_proposals(tx) == []
        (found,) = proposals.all_proposals(tx, only_open=False)
    assert (found.state, found.decided_by) == ("rejected", "Boon")


def test_the_same_proposed_again_makes_the_earlier_one_void(store: Store) -> None:
    first, second = add(store), add(store, by="Boon")
    with store.read() as tx:
        assert proposals.find(tx, first.id).state == "void"
        assert proposals.all_proposals(tx) == [second]


def test_a_proposal_expires(store: Store) -> None:
    made = add(store, lasts=0)
    with store.read() as tx:
        assert proposals.find(tx, made.id).state == "expired"
        assert proposals.all_proposals(tx) == []


def test_an_emptied_proposal_says_who_and_when_and_nothing_else(store: Store) -> None:
    made = add(store)
    with store.begin() as tx:
        proposals.empty(tx, made.id, [Effect("gone")])
    with store.read() as tx:
        found = proposals.find(tx, made.id)
    assert (found.arguments, found.effects, found.note) == ({}, [Effect("gone", {})], None)
    assert (found.proposed_by, found.proposed) == (made.proposed_by, made.proposed)


def test_what_ended_long_ago_is_forgotten(store: Store) -> None:
    expired, open_ = add(store, lasts=0), add(store)
    with store.begin() as tx:
        proposals.decide(tx, expired.id, "open", "Boon")
        assert proposals.forget(tx, before=expired.proposed) == 0
        assert proposals.forget(tx, before=open_.expires - 1) == 1
        assert proposals.all_proposals(tx, only_open=False) == [open_]


def test_pages_go_on_where_one_ended_and_have_some_persons_alone(store: Store) -> None:
    made = [add(store, value=str(number), by="Boon" if number % 2 else "Anong") for number in range(5)]
    other = add(store, action="make-admin")
    with store.read() as tx:
        first = proposals.open_page(tx, most=4)
        following = proposals.open_page(tx, most=4, after=(first[-1].proposed, first[-1].id))
        assert [*first, *following] == sorted([*made, other], key=lambda found: (found.proposed, found.id))
        assert proposals.open_page(tx, most=9, by=["Boon"]) == made[1::2]
        assert proposals.open_page(tx, most=9, not_by=["Boon"], without=["make-admin"]) == made[::2]
        assert (proposals.count_open(tx), proposals.count_open(tx, "Boon")) == (6, 2)
    with store.begin() as tx:
        for found in made:
            proposals.decide(tx, found.id, "withdrawn", found.proposed_by)
    with store.read() as tx:
        latest = proposals.ended_page(tx, most=2)
        assert latest + proposals.ended_page(tx, most=9, after=(latest[-1].proposed, latest[-1].id)) == [
            proposals.find(tx, found.id) for found in sorted(made, key=lambda found: (found.proposed, found.id))[::-1]
        ]
