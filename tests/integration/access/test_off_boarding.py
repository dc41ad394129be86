"""Off-boarding: the command ends a partner's access at once for every kind of login."""

import requests

from server.store import collections, log, partners, retractions
from server.store.item import Item
from server.store.retractions import Retraction
from tests.integration.access.conftest import Serve, eventually, tool


def test_access_ends_with_the_next_request_despite_a_cached_login(serve: Serve) -> None:
    hub = serve()
    token = {"auth": None, "headers": {"Authorization": f"Bearer {hub.bank.token}"}}
    for _ in range(5):
        assert hub.get().status_code == 200
        assert hub.get(**token).status_code == 200
    with hub.store.begin() as tx:
        partners.remove(tx, "bank")
    # The first request is already refused. After many wrong passwords, the brake would respond instead.
    assert hub.get().status_code == 401
    assert hub.get(**token).status_code == 401
    assert hub.post([]).status_code == 401
    assert requests.get(f"{hub.url}/taxii2/", timeout=60, **token).status_code == 401


def test_reading_position_closes_a_receipt_within_seconds(serve: Serve) -> None:
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
            for line in requests.get(f"{hub.url}/metrics", timeout=60).text.splitlines()
            if not line.startswith("#")
        )
        with hub.store.read() as tx:
            known = len(retractions.all_receipts(tx, only_open=True))
        return int(float(metrics["scamfeed_receipts_open"])), known

    eventually(lambda: standing() == (1, 1))
    assert hub.get().status_code == 200
    eventually(lambda: standing() == (0, 0))
