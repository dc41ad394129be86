"""Making a store ready: its tables and the collections that every hub has."""

from server.store import Store, collections, hub


def set_up(store: Store, title: str | None = None) -> list[str]:
    """Create or migrate the store and its default collections; gives the aliases it made. Safe to repeat.

    ``title`` is what the hub calls itself from now on.
    """
    store.migrate()
    with store.begin() as tx:
        if title is not None:
            hub.rename(tx, title)
        return [collection.alias for collection in collections.create_defaults(tx)]
