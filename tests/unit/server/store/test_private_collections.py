from server.store import Store, collections, private_collections
from server.store.collections import Collection


def test_the_personal_rooms_of_an_object_are_remembered_once(store: Store, room: Collection) -> None:
    with store.begin() as tx:
        other = collections.add(tx, "other", "Other")
        private_collections.record_objects(tx, [("indicator--1", room.number), ("indicator--1", room.number)])
        private_collections.record_objects(tx, [("indicator--1", room.number), ("indicator--1", other.number)])
        found = private_collections.of_objects(tx, ["indicator--1", "indicator--2"])
    assert found == {"indicator--1": {room.number, other.number}}
