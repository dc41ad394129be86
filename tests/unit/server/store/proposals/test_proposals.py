"""Proposals are stored unchanged, end once, and are deleted in the end."""

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


def test_proposal_is_stored_unchanged(store: Store) -> None:
    made = add(store)
    with store.read() as tx:
        assert proposals.find(tx, made.id) == made
        assert proposals.all_proposals(tx) == [made]
        with pytest.raises(UnknownProposal):
            proposals.find(tx, "another")


def test_decided_proposals_are_listed_only_with_all(store: Store) -> None:
    made = add(store)
    with store.begin() as tx:
        proposals.decide(tx, made.id, "rejected", "Boon")
    with store.read() as tx:
        assert proposals.all_proposals(tx) == []
        (found,) = proposals.all_proposals(tx, only_open=False)
    assert (found.state, found.decided_by) == ("rejected", "Boon")


def test_open_proposals_are_found_by_action_and_arguments(store: Store) -> None:
    made = [add(store, value=value) for value in ("x", "y", "z")]
    add(store, value="x", action="make-admin")
    add(store, value="y", lasts=0)
    with store.begin() as tx:
        proposals.decide(tx, made[2].id, "rejected", "Boon")
        wanted = [one.arguments for one in made]
        assert proposals.find_open(tx, "erase", wanted) == [made[0]]
        assert proposals.find_open(tx, "erase", wanted[1:]) == []


def test_repeated_proposal_voids_the_earlier_one(store: Store) -> None:
    first, second = add(store), add(store, by="Boon")
    with store.read() as tx:
        assert proposals.find(tx, first.id).state == "void"
        assert proposals.all_proposals(tx) == [second]


def test_a_proposal_expires(store: Store) -> None:
    made = add(store, lasts=0)
    with store.read() as tx:
        assert proposals.find(tx, made.id).state == "expired"
        assert proposals.all_proposals(tx) == []


def test_emptied_proposal_keeps_only_person_and_time(store: Store) -> None:
    made = add(store)
    with store.begin() as tx:
        proposals.empty(tx, made.id, [Effect("gone")])
    with store.read() as tx:
        found = proposals.find(tx, made.id)
    assert (found.arguments, found.effects, found.note) == ({}, [Effect("gone", {})], None)
    assert (found.proposed_by, found.proposed) == (made.proposed_by, made.proposed)


def test_old_ended_proposals_are_deleted(store: Store) -> None:
    expired, open_ = add(store, lasts=0), add(store)
    with store.begin() as tx:
        proposals.decide(tx, expired.id, "open", "Boon")
        assert proposals.forget(tx, before=expired.proposed) == 0
        assert proposals.forget(tx, before=open_.expires - 1) == 1
        assert proposals.all_proposals(tx, only_open=False) == [open_]


def test_pages_continue_and_can_be_limited_to_persons(store: Store) -> None:
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
