from server.store import Store, reads
from server.store.collections import Collection
from server.store.times import now


def test_the_first_reader_of_each_object_is_remembered(store: Store, room: Collection) -> None:
    with store.begin() as tx:
        reads.note_first_reads(tx, {room.id: 100}, 1)
        reads.note_first_reads(tx, {room.id: 50}, 2)
        reads.note_first_reads(tx, {room.id: 100}, 3)
        reads.note_first_reads(tx, {room.id: 200, "other": 10}, 4)
        for added, moment in ((1, 1), (100, 1), (101, 4), (200, 4), (201, None)):
            assert reads.first_read_at(tx, room.id, added) == moment
        assert reads.first_read_at(tx, "other", 10) == 4
        assert reads.first_read_at(tx, "nothing", 10) is None


def test_it_is_noted_where_the_positions_of_partners_grow(store: Store, room: Collection) -> None:
    began = now()
    with store.begin() as tx:
        reads.record_reads(tx, [("one", room.id, 100), ("two", room.id, 150)])
        first = reads.first_read_at(tx, room.id, 100)
        assert first is not None
        assert began <= first <= now()
    with store.begin() as tx:
        reads.record_reads(tx, [("one", room.id, 120)])
        assert reads.first_read_at(tx, room.id, 120) == first
        assert reads.first_read_at(tx, room.id, 151) is None


def test_what_is_old_is_forgotten_but_for_how_far_anybody_came(store: Store, room: Collection) -> None:
    with store.begin() as tx:
        reads.note_first_reads(tx, {room.id: 100}, 1)
        reads.note_first_reads(tx, {room.id: 200}, 2)
        reads.note_first_reads(tx, {room.id: 300}, 3)
        assert reads.forget_first_reads(tx, before=4) == 2
        assert reads.first_read_at(tx, room.id, 100) == 3
        reads.note_first_reads(tx, {room.id: 250}, 5)
        assert reads.first_read_at(tx, room.id, 250) == 3
