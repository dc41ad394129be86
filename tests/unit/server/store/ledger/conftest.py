"""A store on SQLite and on PostgreSQL with a shared collection, its full variant, an exchange and objects."""

import uuid
from typing import Any

import pytest

from server.store import Store, collections
from server.store.collections import Collection
from server.store.item import Item
from server.store.ledger import sealing
from server.store.ledger.growth import Tree
from server.store.log import append_all
from tests.unit.server.store.conftest import database, empty_url, store, url
from tests.unit.server.store.ledger import checks

__all__ = ["database", "empty_url", "store", "url"]


class Ledger:
    """The ledger of one store."""

    def __init__(self, store: Store) -> None:
        self.store = store
        with store.begin() as tx:
            self.plain, self.full = collections.add_released(tx, "shared", "Shared")
            self.exchange = collections.add(tx, "exchange", "Exchange")

    def add(self, *numbers: int, day: int = 1) -> None:
        """Add listings with their companion objects."""
        items = [listing(number, day) for number in numbers]
        with self.store.begin() as tx:
            append_all(tx, [(self.plain, items), (self.full, items)])

    def post(self, *bodies: dict[str, Any]) -> None:
        """Add objects to the exchange."""
        with self.store.begin() as tx:
            append_all(tx, [(self.exchange, [Item.of(body) for body in bodies])])

    def seal(self, most: int = sealing.ROWS) -> int:
        """Seal everything, and return the number of entries."""
        return checks.seal(self.store, most)

    def tree(self, collection: Collection) -> Tree:
        return checks.tree_of(self.store, collection)


def listing(number: int, day: int = 1, **more: Any) -> Item:
    """Return a listing with an observable and a relationship."""
    versioned = {
        "spec_version": "2.1",
        "created": "2026-01-01T00:00:00.000Z",
        "modified": f"2026-01-{day:02}T00:00:00.000Z",
    }
    observable = {"type": "domain-name", "spec_version": "2.1", "id": id_of("domain-name", number), "value": "ค่า"}
    relationship = {"type": "relationship", **versioned, "id": id_of("relationship", number, day)}
    item = Item.of({"type": "indicator", **versioned, "id": id_of("indicator", number), "name": "รายการ", **more})
    return item._replace(basis=(Item.of(observable), Item.of(relationship)))


def id_of(type_: str, number: int, day: int = 0) -> str:
    return f"{type_}--{uuid.UUID(int=(day + 1) << 100 | (number + 1) << 64 | number, version=4)}"


@pytest.fixture
def ledger(store: Store) -> Ledger:
    return Ledger(store)
