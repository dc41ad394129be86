"""Policies and entered values as stored in each database."""

import pytest

from server.store import Store
from server.store.allowlist import entries
from server.store.allowlist.entries import AllowlistEntry, UnknownEntry
from server.store.policies import policies
from server.store.policies.policies import UnknownPolicy


def test_last_confirmed_policy_is_stored_with_the_last_one(store: Store) -> None:
    with store.begin() as tx:
        assert policies.last(tx) is None
        assert policies.last_decided(tx) is None
        policies.add(tx, "rules 1", "default")
        decided = policies.add(tx, "rules 2", "decided", proposed_by="Anong", confirmed_by="Boon", note="why")
        configured = policies.add(tx, "rules 3", "configuration")
    with store.read() as tx:
        assert policies.last(tx) == configured
        assert policies.last_decided(tx) == decided
        assert [policy.number for policy in policies.history(tx)] == [3, 2, 1]
        assert [policy.number for policy in policies.history(tx, before=3, limit=1)] == [2]
        assert policies.get(tx, 2) == decided
        with pytest.raises(UnknownPolicy):
            policies.get(tx, 4)


def test_entries_are_added_replaced_ended_and_deleted(store: Store) -> None:
    ends = AllowlistEntry("domain:a.example.com", False, "ours", "Anong", 1, 2)
    stays = AllowlistEntry("domain:b.example.com", True, "ours", "Anong", 1)
    with store.begin() as tx:
        for entry in (ends._replace(until=None), ends, stays):
            entries.put(tx, entry)
    with store.begin() as tx:
        assert entries.page(tx) == [ends, stays]
        assert entries.page(tx, skip=1) == [stays]
        assert entries.all_current(tx) == {stays.subject: stays}
        assert entries.forget(tx, before=3) == 1
        assert not entries.remove(tx, ends.subject)
        with pytest.raises(UnknownEntry):
            entries.find(tx, ends.subject)
        assert entries.find(tx, stays.subject) == stays
