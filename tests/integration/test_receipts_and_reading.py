"""A partner's reading position never exceeds its responses; otherwise a receipt would close too early."""

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
    """Records the answered requests."""

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
    """Record the bank's reading position, and return the partners with an open receipt."""
    with hub.store.begin() as tx:
        given = [(request.partner, request.collection, request.read_to) for request in noted.requests]
        read_progress.record_reads(
            tx, [(p, c, g) for p, c, g in given if p is not None and c is not None and g is not None]
        )
    receipts.settle_in_steps(hub.store)
    with hub.store.read() as tx:
        return {receipt.partner for receipt in retractions.all_receipts(tx, only_open=True)}


@pytest.mark.parametrize("path", [OBJECTS, OBJECTS + "?match[type]=indicator", OBJECTS + "?limit=40"])
def test_revocation_during_a_read_does_not_count_as_read(hub: TaxiiHub, noted: Noted, path: str) -> None:
    assert hub.get(OBJECTS + "?limit=45")[0].startswith("200")
    with hub.store.begin() as tx:
        item = Item.of(_gone())
        at = log.append(tx, hub.collection, [item]).first or 0
        retractions.retract(tx, {hub.collection: [Retraction(KNOWN, at, item.version or 0)]}, "mistaken")
        time.sleep(0.01)
        # Request the last page after the revocation got its position and before it becomes visible. The first page is
        # new, the second one cached.
        for _ in range(2):
            assert hub.get(path)[0].startswith("200")
    assert _settled(hub, noted) == {"bank"}
    assert hub.get(path)[0].startswith("200")
    assert _settled(hub, noted) == set()


def test_reading_one_object_does_not_count_for_the_others(hub: TaxiiHub, noted: Noted) -> None:
    assert hub.get(OBJECTS)[0].startswith("200")
    with hub.store.begin() as tx:
        item = Item.of(_gone())
        at = log.append(tx, hub.collection, [item]).first or 0
        retractions.retract(tx, {hub.collection: [Retraction(KNOWN, at, item.version or 0)]}, "mistaken")
    hub.add(other := indicator())
    assert hub.get(f"{OBJECTS}{other['id']}/")[0].startswith("200")
    assert _settled(hub, noted) == {"bank"}
