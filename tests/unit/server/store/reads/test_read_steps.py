from server.store import Store, read_progress
from server.store.collections import Collection
from server.store.credentials import UsedLogin
from server.store.reads import read_steps

MINUTE = 60_000_000


def test_read_step_has_an_upper_bound_of_the_read_time(store: Store, collection: Collection) -> None:
    with store.begin() as tx:
        read_steps.note(tx, collection.id, "one", 100, MINUTE)
        read_steps.note(tx, collection.id, "one", 200, 3 * MINUTE)
        read_steps.note(tx, collection.id, "two", 300, 4 * MINUTE)
        for added, by in ((1, MINUTE), (100, MINUTE), (101, 3 * MINUTE), (200, 3 * MINUTE)):
            step = read_steps.first_after(tx, collection.id, "one", added)
            assert step is not None
            assert step.at == by
        assert read_steps.first_after(tx, collection.id, "one", 201) is None
        assert read_steps.first_after(tx, "another", "one", 1) is None


def test_first_read_up_to_a_position_counts_also_within_one_minute(store: Store, collection: Collection) -> None:
    with store.begin() as tx:
        token, password = (UsedLogin(by, by.encode()) for by in ("token", "password"))
        for place, moment, login in (
            (100, MINUTE + 1, None),
            (150, MINUTE + 20, token),
            (120, MINUTE + 30, password),
            # Another process records earlier reads later.
            (130, MINUTE + 10, password),
            (150, MINUTE + 15, password),
            (160, 2 * MINUTE, password),
        ):
            read_steps.note(tx, collection.id, "one", place, moment, login)
        for added, step in (
            (1, (100, MINUTE + 1, None, None)),
            (101, (130, MINUTE + 10, "password", password.id)),
            (131, (150, MINUTE + 15, "password", password.id)),
            (151, (160, 2 * MINUTE, "password", password.id)),
        ):
            assert read_steps.first_after(tx, collection.id, "one", added) == step


def test_a_minute_has_a_bounded_number_of_steps(store: Store, collection: Collection) -> None:
    with store.begin() as tx:
        for number in range(200):
            read_steps.note(tx, collection.id, "one", number, MINUTE + number)
        steps = {read_steps.first_after(tx, collection.id, "one", number) for number in range(200)}
        assert len(steps) == read_steps.MOST_A_MINUTE
        assert read_steps.first_after(tx, collection.id, "one", 5) == (5, MINUTE + 5, None, None)
        # A time later than the read, and never earlier.
        assert read_steps.first_after(tx, collection.id, "one", 100) == (199, MINUTE + 199, None, None)


def test_steps_follow_the_positions_of_partners(store: Store, collection: Collection) -> None:
    with store.begin() as tx:
        read_progress.record_reads(tx, [("one", collection.id, 100)])
        read_progress.record_reads(tx, [("one", collection.id, 50)])
        step = read_steps.first_after(tx, collection.id, "one", 1)
        position = read_progress.of_partner(tx, "one")[collection.id]
    assert step is not None
    assert step.read_up_to == position[0] == 100
    assert step.at <= position[1]


def test_old_steps_are_deleted_except_the_last_of_each_partner(store: Store, collection: Collection) -> None:
    with store.begin() as tx:
        for minute in range(1, 6):
            read_steps.note(tx, collection.id, "one", minute * 100, minute * MINUTE)
        read_steps.note(tx, collection.id, "two", 100, MINUTE)
        assert read_steps.forget(tx, before=4 * MINUTE, most=2) == 2
        assert read_steps.forget(tx, before=9 * MINUTE) == 2
        assert read_steps.forget(tx, before=9 * MINUTE) == 0
        assert read_steps.first_after(tx, collection.id, "one", 1) == (500, 5 * MINUTE, None, None)
        assert read_steps.first_after(tx, collection.id, "two", 1) == (100, MINUTE, None, None)
