from server.store import Store, hub_identity


def test_each_store_has_its_own_hub_identity(store: Store, empty_url: str) -> None:
    other = Store.open(empty_url)
    other.migrate()
    with store.begin() as tx, other.begin() as elsewhere:
        first = hub_identity.load(tx)
        assert first.identity == hub_identity.identity(tx) != hub_identity.identity(elsewhere)
        assert first.identity.split("--")[1][14] == "4"
        hub_identity.rename(tx, first.name)
        assert hub_identity.load(tx) == first
        hub_identity.rename(tx, "Hub of Siam")
        assert hub_identity.name(tx) == "Hub of Siam"
        assert hub_identity.load(tx).modified > first.modified
        assert hub_identity.load(tx)[0::2] == (first.identity, first.created)
    other.close()
