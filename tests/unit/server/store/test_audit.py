import pytest
from sqlalchemy import delete, update

from server.store import Store, audit, collections
from server.store.audit import Broken, Event
from server.store.collections import Collection
from server.store.tables import audit as rows, audit_ends


def event(**more: object) -> Event:
    said = {
        "first": 1,
        "last": 2,
        "requests": 3,
        "partner": "bank",
        "remote": "192.0.2.1",
        "method": "GET",
        "route": "objects",
        "collection": None,
        "status": 200,
        "objects": 5,
        "reference": None,
    }
    return Event(**{**said, **more})  # type: ignore[arg-type]  # the fields above are of the right types


@pytest.fixture
def trail(store: Store) -> Store:
    with store.begin() as tx:
        audit.record(tx, [event(first=1), event(first=2, partner=None)])
        audit.record(tx, [event(first=4)])
        audit.record(tx, [event(first=3)], chain="room")
        audit.record(tx, [])
    return store


def test_what_was_recorded_is_there_newest_first_and_whole(trail: Store) -> None:
    with trail.read() as tx:
        assert [one.event.first for one in audit.tail(tx, 3)] == [4, 3, 2]
        assert [(one.chain, one.number) for one in audit.tail(tx, 10)] == [
            ("requests", 3),
            ("room", 1),
            ("requests", 2),
            ("requests", 1),
        ]
        assert audit.verify(tx) == []


@pytest.mark.parametrize("field", ["first", "requests", "partner", "remote", "status", "objects", "hash"])
def test_no_field_of_a_row_can_be_changed_unseen(trail: Store, field: str) -> None:
    changed = {"partner": "x", "remote": "x", "hash": b"x"}.get(field, 9)
    with trail.begin() as tx:
        tx.execute(update(rows).where(rows.c.chain == "requests", rows.c.number == 2).values({field: changed}))
        assert audit.verify(tx) == [Broken("requests", 2)]


@pytest.mark.parametrize("number", [1, 2, 3])
def test_no_row_can_be_taken_out_unseen_not_even_the_last(trail: Store, number: int) -> None:
    with trail.begin() as tx:
        tx.execute(delete(rows).where(rows.c.chain == "requests", rows.c.number == number))
        assert audit.verify(tx) == [Broken("requests", number)]


def test_a_chain_without_an_end_is_broken(trail: Store) -> None:
    with trail.begin() as tx:
        tx.execute(delete(audit_ends).where(audit_ends.c.chain == "room"))
        assert audit.verify(tx) == [Broken("room", 1)]


def test_a_partner_lags_by_what_it_has_not_been_given(store: Store, room: Collection) -> None:
    with store.begin() as tx:
        tx.execute(update(collections.collections).values(last_added=5_000_000))
        audit.advance(tx, [("bank", room.id, 3_000_000), ("ngo", room.id, 9_000_000)])
        audit.advance(tx, [("bank", room.id, 1_000_000)])
        assert [(one.partner, one.collection, one.seconds) for one in audit.lags(tx)] == [
            ("bank", "room", 2.0),
            ("ngo", "room", 0.0),
        ]
