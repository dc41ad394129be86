"""Rarely changing facts get a new version after each transaction that changed them, and after no other."""

from server.store import Store, collections, quotas
from server.store.database import fact_versions, sql
from server.store.database.fact_versions import Facts


def _versions(store: Store) -> dict[str, int]:
    with store.read() as tx:
        return sql.versions_of_facts(tx)


def test_each_of_the_facts_has_a_version(store: Store) -> None:
    assert _versions(store).keys() == set(Facts)


def test_change_gives_a_new_version_to_its_fact_only(store: Store) -> None:
    before = _versions(store)
    with store.begin() as tx:
        collections.create_defaults(tx)
        assert fact_versions.changed_in(tx) == {Facts.REGISTRY}
    after = _versions(store)
    assert {name for name in Facts if before[name] != after[name]} == {Facts.REGISTRY}


def test_change_of_one_transaction_is_no_change_of_the_next(store: Store) -> None:
    with store.begin() as tx:
        quotas.throttle(tx, "Bank", "unusual-volume", 1)
    before = _versions(store)
    with store.begin() as tx:
        assert fact_versions.changed_in(tx) == set()
        quotas.last_throttle(tx, "Bank")
    assert _versions(store) == before
