from server.store import Store, hub


def test_a_store_has_one_hub_that_is_no_other_stores(store: Store, empty_url: str) -> None:
    other = Store.open(empty_url)
    other.migrate()
    with store.begin() as tx, other.begin() as elsewhere:
        first = hub.get(tx)
        assert first.identity == hub.identity(tx) != hub.identity(elsewhere)
        assert first.identity.split("--")[1][14] == "4"
        hub.rename(tx, first.name)
        assert hub.get(tx) == first
        hub.rename(tx, "Hub of Siam")
        assert hub.name(tx) == "Hub of Siam"
        assert hub.get(tx).modified > first.modified
        assert hub.get(tx)[0::2] == (first.identity, first.created)
    other.close()
