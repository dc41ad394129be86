"""The weeks before a demonstration leave some work for each desk."""

from pathlib import Path

import pytest

from schemas import timestamp
from server.demo.members import EXCHANGE, PROVIDER, register
from server.demo.site import DemoHub
from server.demo.weeks import Weeks
from server.features.objections import records as objections
from server.features.requests import records as requests
from server.store import reviews
from server.store.providers import kept_accounts
from tests.times import ago


@pytest.fixture
def hub(tmp_path: Path) -> DemoHub:
    return DemoHub("Demo hub", tmp_path / "hub")


def test_each_desk_finds_something_to_do(hub: DemoHub) -> None:
    with timestamp.frozen_at(ago(days=154)):
        members = register(hub)
    weeks = Weeks(hub.hub, members, timestamp.now(), 0)
    assert weeks.play() == 8
    with hub.store.read() as tx:
        assert len(kept_accounts.page(tx, PROVIDER)) == 8
        assert len(objections.all_objections(tx)) == 2
        assert reviews.count(tx) >= 5
        assert sorted(request.addressee or "" for request in requests.all_requests(tx, most=9)) == [
            EXCHANGE,
            PROVIDER,
            PROVIDER,
            PROVIDER,
        ]
    hub.stop()
