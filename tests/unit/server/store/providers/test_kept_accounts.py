"""A provider's open questions and its findings, page by page on both databases."""

from typing import Any

import pytest

from server.store import Store, value_index
from server.store.database.engine import Tx
from server.store.providers import kept_accounts
from server.store.providers.kept_accounts import AccountFilter, AccountOrder, PlacedAccount

ANSWERED = AccountFilter(answered=True)
VALUES = [f"bank-account:TH:KASITHBK:{number}" for number in range(5)]


def pages_of_waiting(tx: Tx, partner: str, most: int) -> list[str]:
    found: list[PlacedAccount] = []
    while page := kept_accounts.page(tx, partner, after=found[-1][1] if found else None, limit=most):
        found += page
    return [kept.subject for kept, _ in found]


def test_open_questions_are_oldest_first_for_any_page_size(store: Store) -> None:
    with store.begin() as tx:
        value_index.lock(tx, VALUES)
        kept_accounts.enter(tx, "Keeper", VALUES[2:], 1_000)
        kept_accounts.enter(tx, "Keeper", VALUES[:2], 2_000)
        kept_accounts.enter(tx, "Other", VALUES, 500)
        kept_accounts.answer(tx, "Keeper", [VALUES[1]], "genuine", 3_000)
        kept_accounts.leave(tx, "Keeper", [VALUES[0]], 3_000)
        for most in (1, 2, 100):
            assert sorted(pages_of_waiting(tx, "Keeper", most)) == VALUES[2:]
        kept_accounts.enter(tx, "Keeper", [VALUES[3]], 1_500)
        assert pages_of_waiting(tx, "Keeper", 1)[-1] == VALUES[3]
        assert kept_accounts.count_waiting(tx, "Keeper", 2_000) == (3, 3)
        assert kept_accounts.count_waiting(tx, "Keeper", 1_000) == (3, 0)
        assert kept_accounts.count_waiting(tx, "Nobody", 1_000) == (0, 0)


def test_findings_are_latest_first_and_of_the_partner_only(store: Store) -> None:
    with store.begin() as tx:
        value_index.lock(tx, VALUES)
        kept_accounts.enter(tx, "Keeper", VALUES, 1_000)
        kept_accounts.enter(tx, "Other", VALUES, 1_000)
        kept_accounts.answer(tx, "Keeper", VALUES[:2], "fraud", 3_000)
        kept_accounts.answer(tx, "Keeper", [VALUES[3]], "closed", 4_000)
        kept_accounts.answer(tx, "Other", [VALUES[4]], "closed", 5_000)
        first = kept_accounts.page(tx, "Keeper", ANSWERED, limit=2)
        rest = kept_accounts.page(tx, "Keeper", ANSWERED, after=first[-1][1])
        assert first[0][0].subject == VALUES[3]
        assert {kept.subject for kept, _ in first[1:] + rest} == set(VALUES[:2])
        assert len(rest) == 1


@pytest.mark.parametrize("by", ["value", "finding"])
@pytest.mark.parametrize("reverse", [False, True])
def test_pages_in_another_order_leave_nothing_out(store: Store, by: AccountOrder, *, reverse: bool) -> None:
    wanted = AccountFilter(answered=True, by=by, reverse=reverse)
    with store.begin() as tx:
        value_index.lock(tx, VALUES[::-1])
        kept_accounts.enter(tx, "Keeper", VALUES, 1_000)
        kept_accounts.enter(tx, "Other", VALUES, 1_000)
        kept_accounts.answer(tx, "Keeper", VALUES[:3], "fraud", 3_000)
        kept_accounts.answer(tx, "Keeper", VALUES[3:], "closed", 3_000)
        kept_accounts.answer(tx, "Other", VALUES, "genuine", 3_000)
        found: list[PlacedAccount] = []
        while page := kept_accounts.page(tx, "Keeper", wanted, after=found[-1][1] if found else None, limit=2):
            found += page
    kept = [account for account, _ in found]
    assert sorted(account.subject for account in kept) == VALUES
    keys = [account.subject if by == "value" else account.code or "" for account in kept]
    assert keys == sorted(keys, reverse=reverse)


def test_accounts_are_selected_by_age_end_and_order(store: Store) -> None:
    with store.begin() as tx:
        value_index.lock(tx, VALUES)
        for place, value in enumerate(VALUES):
            kept_accounts.enter(tx, "Keeper", [value], 1_000 * (place + 1))
        kept_accounts.answer(tx, "Keeper", [VALUES[0]], "genuine", 1_500, "CASE-1")
        kept_accounts.answer(tx, "Keeper", [VALUES[1]], "fraud", 9_000)

        def found(**wanted: Any) -> list[str]:
            return [kept.subject for kept, _ in kept_accounts.page(tx, "Keeper", AccountFilter(**wanted))]

        assert found() == VALUES[2:]
        assert found(reverse=True) == VALUES[:1:-1]
        assert found(before=4_000) == [VALUES[2]]
        assert found(ending=":4") == [VALUES[4]]
        assert found(ending="%") == found(ending="_") == []
        assert found(values=frozenset(VALUES[:3])) == [VALUES[2]]
        assert found(answered=True) == [VALUES[1], VALUES[0]]
        assert found(answered=True, reverse=True) == VALUES[:2]
        assert found(answered=True, slower=1_000) == [VALUES[1]]
        assert found(by="value") == VALUES[2:]
        assert sorted(found(by="finding")) == VALUES[2:]
        assert found(by="value", reverse=True) == VALUES[:1:-1]
        assert found(answered=True, by="finding") == [VALUES[1], VALUES[0]]
        assert found(answered=True, by="value") == VALUES[:2]
        first, *_ = kept_accounts.page(tx, "Keeper", AccountFilter(reverse=True), limit=1)
        rest = kept_accounts.page(tx, "Keeper", AccountFilter(reverse=True), after=first[1])
        assert [kept.subject for kept, _ in rest] == VALUES[3:1:-1]
        [answered] = kept_accounts.find(tx, "Keeper", every=True, values=[VALUES[0]])
        assert answered.reference == "CASE-1"
        kept_accounts.enter(tx, "Keeper", [VALUES[0]], 9_500)
        [again] = kept_accounts.find(tx, "Keeper", values=[VALUES[0]])
        assert (again.code, again.reference) == (None, None)
