"""Proposals are kept as they were made, end once, and are forgotten in the end."""

import pytest

from server.store import Store
from server.store.proposals import proposals
from server.store.proposals.proposals import Effect, UnknownProposal

DAY = 86_400 * 1_000_000


def add(store: Store, *, lasts: int = DAY, by: str = "Anong") -> proposals.Proposal:
    with store.begin() as tx:
        return proposals.add(
            tx,
            "erase",
            {"value": "x", "a": 1},
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
