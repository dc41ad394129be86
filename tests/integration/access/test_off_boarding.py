"""A partner that leaves: its access ends with the command, however its client is let in."""

import requests

from server.release.query import receipts
from server.store import collections, log, partners, retractions
from server.store.item import Item
from server.store.retractions import Retraction
from tests.integration.access.conftest import Serve, eventually, tool


def test_access_ends_with_the_next_request_though_the_login_is_remembered(serve: Serve) -> None:
    hub = serve()
    token = {"auth": None, "headers": {"Authorization": f"Bearer {hub.bank.token}"}}
    for _ in range(5):
        assert hub.get().status_code == 200
        assert hub.get(**token).status_code == 200
    with hub.store.begin() as tx:
        partners.remove(tx, "bank")
    # The first request is refused already; after many wrong ones the brake would answer.
    assert hub.get().status_code == 401
    assert hub.get(**token).status_code == 401
    assert hub.post([]).status_code == 401
    assert requests.get(f"{hub.url}/taxii2/", timeout=30, **token).status_code == 401


def test_how_far_a_partner_has_read_is_known_within_seconds_and_closes_its_receipt(serve: Serve) -> None:
    hub = serve()
    id_ = "tool--346f90dd-04c0-4b38-9d6b-1f2a52a8a3c1"
    with hub.store.begin() as tx:
        log.append(tx, hub.room, [Item.of(tool(id=id_))])
    assert hub.get().status_code == 200
    with hub.store.begin() as tx:
        gone = Item.of({**tool(id=id_), "modified": "2026-02-01T00:00:00.000Z", "revoked": True})
        at = log.append(tx, collections.get(tx, hub.room.id), [gone]).first or 0
        retractions.retract(tx, {hub.room: [Retraction(id_, at, gone.version or 0)]}, "mistaken")

    def standing() -> tuple[int, int]:
        metrics = dict(
            line.rsplit(" ", 1)
            for line in requests.get(f"{hub.url}/metrics", timeout=30).text.splitlines()
            if not line.startswith("#")
        )
        with hub.store.read() as tx:
            known = len(receipts.open_receipts(tx))
        return int(float(metrics["scamfeed_receipts_open"])), known

    eventually(lambda: standing() == (1, 1), seconds=10)
    assert hub.get().status_code == 200
    eventually(lambda: standing() == (0, 0), seconds=10)
