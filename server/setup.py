"""Making a store ready: its tables and the collections that every hub has."""

from server.store import Store, collections


def set_up(store: Store) -> list[str]:
    """Create or migrate the store and its default collections; gives the aliases it made. Safe to repeat."""
    store.migrate()
    with store.begin() as tx:
        return [collection.alias for collection in collections.create_defaults(tx)]
