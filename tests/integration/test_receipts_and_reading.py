"""The reading position of a partner: no further than its responses went, or a receipt closes too early."""

import time
from typing import Any

import pytest

from server.observe.observer import AnsweredRequest
from server.release.query import receipts
from server.store import log, read_progress, retractions
from server.store.item import Item
from server.store.retractions import Retraction
from tests.integration.taxii_hub import KNOWN, OBJECTS, TaxiiHub, indicator


class Noted:
    """Keeps the answered requests."""

    def __init__(self) -> None:
        self.requests: list[AnsweredRequest] = []

    def note(self, request: AnsweredRequest) -> None:
        self.requests.append(request)


@pytest.fixture
def noted(hub: TaxiiHub) -> Noted:
    made = Noted()
    hub.application.observers = (made,)
    return made


def _gone() -> dict[str, Any]:
    return indicator(id=KNOWN, modified="2026-02-01T00:00:00.000Z", revoked=True)


def _settled(hub: TaxiiHub, noted: Noted) -> set[str]:
    """Record how far the bank has read, and return the partners with an open receipt."""
    with hub.store.begin() as tx:
        given = [(request.partner, request.collection, request.read_to) for request in noted.requests]
        read_progress.record_reads(
            tx, [(p, c, g) for p, c, g in given if p is not None and c is not None and g is not None]
        )
        receipts.settle(tx)
        return {receipt.partner for receipt in receipts.open_receipts(tx)}


@pytest.mark.parametrize("path", [OBJECTS, OBJECTS + "?match[type]=indicator", OBJECTS + "?limit=40"])
def test_a_revocation_that_comes_while_a_page_is_read_is_not_read_yet(hub: TaxiiHub, noted: Noted, path: str) -> None:
    assert hub.get(OBJECTS + "?limit=45")[0].startswith("200")
    with hub.store.begin() as tx:
        item = Item.of(_gone())
        at = log.append(tx, hub.collection, [item]).first or 0
        retractions.retract(tx, {hub.collection: [Retraction(KNOWN, at, item.version or 0)]}, "mistaken")
        time.sleep(0.01)
        # The last page of what there is, asked for after the revocation got its place and before it is there: made anew
        # the first time, found ready the second.
        for _ in range(2):
            assert hub.get(path)[0].startswith("200")
    assert _settled(hub, noted) == {"bank"}
    assert hub.get(path)[0].startswith("200")
    assert _settled(hub, noted) == set()


def test_looking_one_object_up_is_not_reading_the_others(hub: TaxiiHub, noted: Noted) -> None:
    assert hub.get(OBJECTS)[0].startswith("200")
    with hub.store.begin() as tx:
        item = Item.of(_gone())
        at = log.append(tx, hub.collection, [item]).first or 0
        retractions.retract(tx, {hub.collection: [Retraction(KNOWN, at, item.version or 0)]}, "mistaken")
    hub.add(other := indicator())
    assert hub.get(f"{OBJECTS}{other['id']}/")[0].startswith("200")
    assert _settled(hub, noted) == {"bank"}
