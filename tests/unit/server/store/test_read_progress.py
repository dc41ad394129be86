from server.store import Store, read_progress
from server.store.collections import Collection
from server.store.database.times import now


def test_the_first_read_of_each_object_is_found(store: Store, collection: Collection) -> None:
    with store.begin() as tx:
        read_progress.note_first_reads(tx, {collection.id: 100}, 1)
        read_progress.note_first_reads(tx, {collection.id: 50}, 2)
        read_progress.note_first_reads(tx, {collection.id: 100}, 3)
        read_progress.note_first_reads(tx, {collection.id: 200, "other": 10}, 4)
        for added, moment in ((1, 1), (100, 1), (101, 4), (200, 4), (201, None)):
            assert read_progress.first_read_at(tx, collection.id, added) == moment
        assert read_progress.first_read_at(tx, "other", 10) == 4
        assert read_progress.first_read_at(tx, "nothing", 10) is None


def test_first_reads_are_recorded_with_the_positions_of_partners(store: Store, collection: Collection) -> None:
    began = now()
    with store.begin() as tx:
        read_progress.record_reads(tx, [("one", collection.id, 100), ("two", collection.id, 150)])
        first = read_progress.first_read_at(tx, collection.id, 100)
        assert first is not None
        assert began <= first <= now()
    with store.begin() as tx:
        read_progress.record_reads(tx, [("one", collection.id, 120)])
        assert read_progress.first_read_at(tx, collection.id, 120) == first
        assert read_progress.first_read_at(tx, collection.id, 151) is None


def test_old_first_reads_are_deleted_except_the_furthest(store: Store, collection: Collection) -> None:
    with store.begin() as tx:
        read_progress.note_first_reads(tx, {collection.id: 100}, 1)
        read_progress.note_first_reads(tx, {collection.id: 200}, 2)
        read_progress.note_first_reads(tx, {collection.id: 300}, 3)
        assert read_progress.forget_first_reads(tx, before=4) == 2
        assert read_progress.first_read_at(tx, collection.id, 100) == 3
        read_progress.note_first_reads(tx, {collection.id: 250}, 5)
        assert read_progress.first_read_at(tx, collection.id, 250) == 3
