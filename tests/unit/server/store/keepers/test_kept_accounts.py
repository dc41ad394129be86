"""What a keeper has still to answer, and what it answered, page by page on both databases."""

from server.store import Store, value_index
from server.store.database.engine import Tx
from server.store.keepers import kept_accounts
from server.store.keepers.kept_accounts import PlacedAccount

VALUES = [f"bank-account:TH:KASITHBK:{number}" for number in range(5)]


def pages_of_waiting(tx: Tx, partner: str, most: int) -> list[str]:
    found: list[PlacedAccount] = []
    while page := kept_accounts.waiting(tx, partner, after=found[-1][1] if found else None, limit=most):
        found += page
    return [kept.subject for kept, _ in found]


def test_what_waits_comes_oldest_first_whatever_the_size_of_a_page(store: Store) -> None:
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


def test_answers_come_latest_first_and_are_of_the_partner_alone(store: Store) -> None:
    with store.begin() as tx:
        value_index.lock(tx, VALUES)
        kept_accounts.enter(tx, "Keeper", VALUES, 1_000)
        kept_accounts.enter(tx, "Other", VALUES, 1_000)
        kept_accounts.answer(tx, "Keeper", VALUES[:2], "fraud", 3_000)
        kept_accounts.answer(tx, "Keeper", [VALUES[3]], "closed", 4_000)
        kept_accounts.answer(tx, "Other", [VALUES[4]], "closed", 5_000)
        first = kept_accounts.answered_by(tx, "Keeper", limit=2)
        rest = kept_accounts.answered_by(tx, "Keeper", after=first[-1][1])
        assert first[0][0].subject == VALUES[3]
        assert {kept.subject for kept, _ in first[1:] + rest} == set(VALUES[:2])
        assert len(rest) == 1
