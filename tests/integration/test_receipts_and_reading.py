"""What a partner is noted to have read: no more than its answer had in it, or a receipt closes that should not."""

import time
from typing import Any

import pytest

from server.observe.observer import AnsweredRequest
from server.release.query import receipts
from server.store import log, reads
from server.store.item import Item
from tests.integration.room import KNOWN, OBJECTS, Room, indicator


class Noted:
    """Keeps what was said of each answered request."""

    def __init__(self) -> None:
        self.requests: list[AnsweredRequest] = []

    def note(self, request: AnsweredRequest) -> None:
        self.requests.append(request)


@pytest.fixture
def noted(room: Room) -> Noted:
    made = Noted()
    room.application.observers = (made,)
    return made


def _gone() -> dict[str, Any]:
    return indicator(id=KNOWN, modified="2026-02-01T00:00:00.000Z", revoked=True)


def _settled(room: Room, noted: Noted) -> set[str]:
    """Keep how far the bank is noted to have read, and give who has an open receipt then."""
    with room.store.begin() as tx:
        given = [(request.partner, request.collection, request.read_to) for request in noted.requests]
        reads.record_reads(tx, [(p, c, g) for p, c, g in given if p is not None and c is not None and g is not None])
        receipts.settle(tx)
        return {receipt.partner for receipt in receipts.open_receipts(tx)}


@pytest.mark.parametrize("path", [OBJECTS, OBJECTS + "?match[type]=indicator", OBJECTS + "?limit=40"])
def test_what_is_being_taken_back_while_a_page_is_read_is_not_read_yet(room: Room, noted: Noted, path: str) -> None:
    assert room.get(OBJECTS + "?limit=45")[0].startswith("200")
    with room.store.begin() as tx:
        item = Item.of(_gone())
        at = log.append(tx, room.collection, [item]).first or 0
        receipts.open_for(tx, KNOWN, room.collection.alias, at, item.version or 0, "mistaken")
        time.sleep(0.01)
        # The last page of what there is, asked for after the revocation got its place and before it is there: made anew
        # the first time, found ready the second.
        for _ in range(2):
            assert room.get(path)[0].startswith("200")
    assert _settled(room, noted) == {"bank"}
    assert room.get(path)[0].startswith("200")
    assert _settled(room, noted) == set()


def test_to_look_up_one_object_is_not_to_have_read_the_others(room: Room, noted: Noted) -> None:
    assert room.get(OBJECTS)[0].startswith("200")
    with room.store.begin() as tx:
        item = Item.of(_gone())
        at = log.append(tx, room.collection, [item]).first or 0
        receipts.open_for(tx, KNOWN, room.collection.alias, at, item.version or 0, "mistaken")
    room.add(other := indicator())
    assert room.get(f"{OBJECTS}{other['id']}/")[0].startswith("200")
    assert _settled(room, noted) == {"bank"}
