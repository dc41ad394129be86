"""Collections, and partners' private ones."""

import uuid

import pytest

from server.store import Store, collections, log, partners
from server.store.collections import Collection
from server.store.item import Item
from tests.unit.server.store.registered import BANK, POLICE


def test_a_collection_is_found_by_its_id_and_by_its_alias(store: Store) -> None:
    with store.begin() as tx:
        made = collections.add(tx, "collection", "Collection", description="A task force's collection")
        assert collections.get(tx, made.id) == collections.get(tx, "collection") == made
        assert made.kind == "exchange"
        assert uuid.UUID(made.id).version == 4
        with pytest.raises(collections.UnknownCollection):
            collections.get(tx, "nowhere")


def test_aliases_and_titles_are_unique(store: Store) -> None:
    with store.begin() as tx:
        collections.add(tx, "collection", "Collection")
        with pytest.raises(collections.CollectionExists):
            collections.add(tx, "collection", "Another")
        with pytest.raises(collections.CollectionExists):
            collections.add(tx, "another", "Collection")


def test_the_defaults_are_made_once(store: Store) -> None:
    with store.begin() as tx:
        made = collections.create_defaults(tx)
        assert collections.create_defaults(tx) == []
        assert collections.all_collections(tx) == made
    assert {collection.alias: collection.kind for collection in made if collection.kind != "released"} == {
        "inbox": "inbox"
    }
    assert [collection.alias for collection in made if collection.kind == "released"] == [
        name
        for alias in ("takedown", "mule-accounts", "wallets", "sightings", "public")
        for name in (alias, f"{alias}-full")
    ]
    assert len({collection.title for collection in made}) == len(made) == 11


def test_a_released_collection_has_a_full_variant(store: Store) -> None:
    with store.begin() as tx:
        plain, full = collections.add_released(tx, "collection", "Collection", "What is for the collection.")
    assert (plain.alias, full.alias) == ("collection", "collection-full")
    assert (plain.kind, full.kind) == ("released", "released")
    assert full.description == "What is for the collection. With observables and relationships."


def test_private_collections_of_an_object_are_found_from_its_history(store: Store, collection: Collection) -> None:
    one, two = (Item.of({"type": "url", "id": f"url--{uuid.uuid4()}", "value": value}) for value in "ab")
    with store.begin() as tx:
        for partner in (BANK, POLICE):
            partners.add(tx, partner)
        mine, theirs = (collections.private_collection(tx, partner.name, "for") for partner in (BANK, POLICE))
        log.append_all(tx, [(mine, [one, one]), (theirs, [one]), (collection, [one, two])])
        found = log.private_collections_of(tx, [one.id, two.id])
    assert found == {one.id: {mine.number, theirs.number}}
