"""Stored sets of private matching, matching rights, and quotas."""

import hashlib

import pytest

from mappers import ids
from schemas.partner import Partner, PartnerKind
from server.store import Store, collections, partners
from server.store.collections import Collection
from server.store.matching import match_grants, match_sets
from server.store.matching.match_grants import MatchRight, NotMatchable, QuotaUsedUp
from server.store.matching.match_sets import MatchRow, MatchSet


def _name(number: int) -> bytes:
    return hashlib.sha256(b"%d" % number).digest()[:16]


@pytest.fixture
def released(store: Store) -> Collection:
    with store.begin() as tx:
        collections.create_defaults(tx)
        for name in ("bank", "other"):
            partners.add(tx, Partner(name=name, kind=PartnerKind.BANK, identity=ids.identity(name)))
        return collections.get(tx, "mule-accounts")


@pytest.fixture
def made(store: Store, released: Collection) -> MatchSet:
    with store.begin() as tx:
        match_sets.begin(tx, released.number, 3, b"key")
        found = match_sets.find(tx, released.number, 3)
    assert found is not None
    return found


def test_version_has_the_rows_present_at_its_time(store: Store, made: MatchSet) -> None:
    served = made._replace(version=20)
    with store.begin() as tx:
        rows = [
            MatchRow(_name(1), b"1", None, 10, None),
            MatchRow(_name(2), b"2", 5, 20, None),
            MatchRow(_name(3), b"3", None, 10, 20),
            MatchRow(_name(4), b"4", None, 10, 30),
            MatchRow(_name(5), b"5", 7, 30, None),
        ]
        match_sets.write(tx, made, rows)
        there = sorted(map(_name, (1, 2, 4)))
        assert list(match_sets.tags(tx, served)) == there
        assert match_sets.bucket(tx, served, b"", b"\xff" * 16) == b"".join(
            name + next(row.sealed for row in rows if row.name == name) for name in there
        )
        assert match_sets.bucket(tx, served, there[1], there[1]).startswith(there[1])
        assert match_sets.changes(tx, served, 10) == ([_name(2)], [_name(3)])
        assert match_sets.changes(tx, served, 20) == ([], [])
        assert [row.name for row in match_sets.ended(tx, served, 6, 10)] == [_name(2)]
        assert match_sets.rows(tx, made, [_name(1), _name(9)]) == {_name(1): rows[0]}


def test_row_is_replaced_and_later_deleted(store: Store, made: MatchSet) -> None:
    with store.begin() as tx:
        match_sets.write(tx, made, [MatchRow(_name(1), b"1", None, 10, None)])
        match_sets.write(tx, made, [MatchRow(_name(1), b"2", 4, 10, 20)])
        assert match_sets.rows(tx, made, [_name(1)]) == {_name(1): MatchRow(_name(1), b"2", 4, 10, 20)}
        assert match_sets.forget(tx, made, 20, 10) == 0
        assert match_sets.forget(tx, made, 21, 10) == 1
        assert not match_sets.rows(tx, made, [_name(1)])


def test_only_one_process_holds_a_set(store: Store, made: MatchSet) -> None:
    with store.begin() as tx:
        assert match_sets.hold(tx, made, "first")
        assert not match_sets.hold(tx, made, "second")
        match_sets.save(tx, made._replace(read_up_to=7))
        assert not match_sets.hold(tx, made, "first")
        match_sets.let_go(tx, made, "first")
        assert match_sets.hold(tx, made._replace(read_up_to=7), "second")
        assert match_sets.find(tx, made.collection, 3) == made._replace(read_up_to=7)


def test_set_is_removed_in_batches(store: Store, made: MatchSet) -> None:
    with store.begin() as tx:
        match_sets.write(tx, made, [MatchRow(_name(number), b"", None, 1, None) for number in range(5)])
        assert match_sets.other_epochs(tx, made.collection, [4]) == [3]
        assert [match_sets.remove(tx, made.collection, 3, most=3) for _ in range(3)] == [False, False, True]
        assert match_sets.find(tx, made.collection, 3) is None


def test_grant_is_for_released_collections_and_ends_with_the_partner(store: Store, released: Collection) -> None:
    with store.begin() as tx:
        match_grants.grant(tx, "bank", released)
        match_grants.grant(tx, "bank", released)
        for alias in ("inbox", "mule-accounts-full"):
            with pytest.raises(NotMatchable):
                match_grants.grant(tx, "bank", collections.get(tx, alias))
        assert match_grants.granted(tx, "bank", "mule-accounts") == MatchRight(released, 0)
        assert match_grants.granted(tx, "bank", released.id) == MatchRight(released, 0)
        for name, ref in (("bank", "wallets"), ("other", "mule-accounts"), ("bank", "no-such")):
            assert match_grants.granted(tx, name, ref) is None
        assert match_grants.aliases(tx, "bank") == ["mule-accounts"]
        assert match_grants.matched_collections(tx) == [released]
        # It does not reveal the existence of the collection either.
        assert not collections.rights(tx, "bank")
        partners.remove(tx, "bank")
        assert not match_grants.matched_collections(tx)


def test_unused_sets_are_found(store: Store, made: MatchSet, released: Collection) -> None:
    with store.begin() as tx:
        assert match_grants.abandoned(tx) == [(released.number, 3)]
        match_grants.grant(tx, "bank", released)
        assert not match_grants.abandoned(tx)
        assert match_grants.revoke(tx, "bank", released)
        assert not match_grants.revoke(tx, "bank", released)


def test_each_partner_and_all_together_have_a_limit(store: Store, released: Collection) -> None:
    def spend(name: str, count: int) -> int:
        try:
            match_grants.spend(store, name, count, per_day=10, total_per_day=15)
        except QuotaUsedUp as used_up:
            return used_up.seconds
        return 0

    assert spend("bank", 10) == 0
    assert 86_000 < spend("bank", 1) <= 86_400
    # A request refused by the common limit does not count for the partner.
    assert 86_000 < spend("other", 6) <= 86_400
    assert spend("other", 5) == 0
    with store.read() as tx:
        assert match_grants.left(tx, "bank", 10) == 0
        assert match_grants.left(tx, "other", 10) == 5
        assert match_grants.left(tx, "other", 0) is None
