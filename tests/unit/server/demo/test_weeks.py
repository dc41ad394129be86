"""The weeks before a demonstration leave something for each desk."""

from pathlib import Path

import pytest

from schemas import clock, timestamp
from server.demo.site import DemoHub
from server.demo.weeks import KEEPER, Weeks, register
from server.store import reviews
from server.store.keepers import kept_accounts
from server.store.objections import objections
from server.store.requests import requests


@pytest.fixture
def hub(tmp_path: Path) -> DemoHub:
    return DemoHub("Demo hub", tmp_path / "hub")


def test_each_desk_finds_something_to_do(hub: DemoHub) -> None:
    with clock.at(timestamp.parse("2026-07-01")):
        members = register(hub)
    weeks = Weeks(hub.hub, members, timestamp.now(), 0)
    assert weeks.play() == 8
    with hub.store.read() as tx:
        assert len(kept_accounts.waiting(tx, KEEPER)) == 8
        assert len(objections.all_objections(tx)) == 2
        assert reviews.count(tx) >= 5
        assert [request.addressee for request in requests.all_requests(tx, most=9)] == [KEEPER, KEEPER]
    hub.stop()
