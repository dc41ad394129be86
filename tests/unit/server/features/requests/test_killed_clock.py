"""The clock of requests is killed while requests become overdue: each is told once, and none is lost."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from mappers.notes import note_id
from schemas.partner import Partner
from schemas.takedown import ServedBy
from server.features.requests import desk, records as requests
from server.features.requests.clock import RequestClock
from server.features.requests.serving import served
from server.release.hub import Hub
from server.store import Store, collections, log
from server.store.database.times import now
from server.store.objects.query import EVERY, Query
from tests.initial_stores import initial_url
from tests.processes import Forked
from tests.unit.server.features.requests.endless_clock import age_for_ever
from tests.unit.server.features.requests.test_requests import sent
from tests.unit.server.features.requests.test_takedowns import hub, notice, platform, police

__all__ = ["hub", "platform", "police"]

REQUESTS = 60
HOUR = 3_600_000_000


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return initial_url(request, tmp_path)


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    opened = Store.open(url)
    yield opened
    opened.close()


def overdue(hub: Hub, police: Partner) -> list[str]:
    """Send requests that were received three hours ago, with two hours for a response."""
    ids = [
        sent(hub, police, notice(of=f"https://shop{number}.example.com/", deadline="2h")).view.id
        for number in range(REQUESTS)
    ]
    with hub.store.begin() as tx:
        for id_ in ids:
            before = requests.find(tx, [id_])[id_]
            past = {"opened": before.opened - 4 * HOUR, "changed": before.changed - 4 * HOUR}
            requests.change(tx, before._replace(**past))
        assert served(tx, ids, ServedBy.API, now() - 3 * HOUR) == REQUESTS
    return ids


def told(hub: Hub, ids: list[str]) -> int:
    with hub.store.read() as tx:
        return sum(one.reminded for one in requests.find(tx, ids).values())


@pytest.mark.long
@pytest.mark.timeout(300)
def test_killed_clock_tells_each_overdue_request_once(
    hub: Hub, police: Partner, platform: Partner, url: str, tmp_path: Path
) -> None:
    ids = overdue(hub, police)
    for at_least in (1, 20):
        process = Forked(age_for_ever, url, log=tmp_path / "clock")
        while told(hub, ids) < at_least:
            assert process.poll() is None
        process.kill()
        assert process.wait(60) == -signal.SIGKILL
        assert told(hub, ids) < REQUESTS, "the kill came too late"
    RequestClock(hub).step()
    RequestClock(hub).step()
    assert told(hub, ids) == REQUESTS
    with hub.store.read() as tx:
        assert all(view.overdue for view in desk.list_(tx, platform, most=REQUESTS))
        for partner in (police, platform):
            collection = collections.private_collection(tx, partner.name, "requests")
            asked = Query(limit=10 * REQUESTS, versions=EVERY)
            found = [record.id for record in log.manifest(tx, collection, asked).records]
            assert {found.count(note_id(id_)) for id_ in ids} == {2}
