"""Referrals are open until answered, and contain no personal data."""

import pytest

from schemas.vocabulary import ReferralAnswer
from server.store import Store
from server.store.referrals import referrals
from server.store.referrals.referrals import StoredReferral, UnknownReferral
from server.store.referrals.tables import referrals as table

LISTING = "indicator--00000000-0000-4000-8000-000000000001"
OTHER = "indicator--00000000-0000-4000-8000-000000000002"


def add(store: Store, listing: str = LISTING, to: str = "") -> StoredReferral:
    with store.begin() as tx:
        return referrals.add(tx, listing, to, "Anong", "First Bank")


def test_a_referral_is_open_until_it_is_answered(store: Store) -> None:
    first, second = add(store), add(store, OTHER, "Ministry")
    with store.begin() as tx:
        assert referrals.all_referrals(tx) == [first, second]
        assert referrals.open_referrals(tx) == (2, first.referred)
        answered = referrals.answer(tx, first.id, ReferralAnswer.IN_CONTACT, "Boon")
        assert (answered.answer, answered.answered_by) == (ReferralAnswer.IN_CONTACT, "Boon")
        assert referrals.all_referrals(tx) == [second]
        assert referrals.all_referrals(tx, only_open=False) == [answered, second]


def test_referring_again_while_it_is_open_changes_nothing(store: Store) -> None:
    first = add(store)
    assert add(store) == first
    with store.begin() as tx:
        referrals.answer(tx, first.id, ReferralAnswer.DECLINED, "Boon")
    assert add(store).id != first.id


def test_unknown_referral_cannot_be_answered(store: Store) -> None:
    with store.begin() as tx, pytest.raises(UnknownReferral):
        referrals.answer(tx, "another", ReferralAnswer.DECLINED, "Boon")


def test_answered_referral_is_deleted_in_the_end_and_an_open_one_never(store: Store) -> None:
    first, second = add(store), add(store, OTHER)
    with store.begin() as tx:
        answered = referrals.answer(tx, first.id, ReferralAnswer.PROTECTED, "Boon")
        assert answered.answered
        assert referrals.forget(tx, before=answered.answered + 1) == 1
        assert referrals.all_referrals(tx, only_open=False) == [second]


def test_no_column_can_store_personal_data() -> None:
    assert {column.name for column in table.columns} == {*StoredReferral._fields}
