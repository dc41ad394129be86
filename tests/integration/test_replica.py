"""Partners read from a replica only the changes it has replayed, and never an older state than already shown."""

import json
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from schemas.partner import Partner, PartnerKind
from server.app import close, create_app
from server.settings import BadConfiguration, Settings, load
from server.store import Store, collections, log, partners, quotas
from server.store.database import times
from server.store.database.replica import ReplicatedStore
from server.store.item import Item
from server.store.liveness import heartbeats
from server.store.quotas import RequestMeter
from server.web.taxii.application import TaxiiApplication
from tests.integration.taxii_hub import OBJECTS, TaxiiHub, indicator
from tests.postgres import Postgres, PostgresMissing
from tests.standby import Standby


@dataclass
class Pair:
    """A hub on a primary and its replica, and the database used for each read."""

    primary: Postgres
    standby: Standby
    name: str
    hub: TaxiiHub
    reads: ReplicatedStore
    read_from: list[str]

    def ask(self, path: str = OBJECTS, **more: str) -> int:
        """Return the number of objects in the response, or -1 for an error."""
        response = self.hub.application.respond(self.hub.environ(path, **more))
        return response.objects_out if response.status == 200 else -1

    def where(self, path: str = OBJECTS) -> str:
        """Return the database that serves a read."""
        self.read_from.clear()
        self.ask(path)
        return self.read_from[-1]

    def until(self, where: str, path: str = OBJECTS) -> None:
        """Read until ``where`` serves the read: a replica that lags for a moment is passed over."""
        deadline = time.monotonic() + 60
        while self.where(path) != where:
            assert time.monotonic() < deadline, f"nothing is read from the {where}"
            time.sleep(0.05)

    def until_read(self, number: int) -> None:
        """Read until there are this many objects: a replica may serve an earlier state until it has caught up."""
        deadline = time.monotonic() + 60
        while self.ask() != number:
            assert time.monotonic() < deadline, f"{number} objects are never read"
            time.sleep(0.05)


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[Postgres, Standby]]:
    try:
        # Acknowledged writes must be in the WAL, so that its position represents them.
        primary = Postgres(settings={"synchronous_commit": "on"})
        primary.start()
        standby = Standby(primary)
        standby.start()
    except PostgresMissing as error:
        pytest.skip(f"POSTGRESQL DID NOT RUN: {error}")
    yield primary, standby
    standby.remove()
    primary.remove()


@pytest.fixture(scope="module")
def migrated(servers: tuple[Postgres, Standby]) -> str:
    """Create a database with empty tables for copying, and return its name."""
    primary, _ = servers
    name = primary.database()
    store = Store.open(primary.url(name))
    store.migrate()
    store.close()
    return name


@pytest.fixture
def pair(servers: tuple[Postgres, Standby], migrated: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pair]:
    primary, standby = servers
    name = primary.database(migrated)
    store = Store.open(primary.url(name))
    with store.begin() as tx:
        room = collections.add(tx, "room", "Room")
        bank = Partner(name="bank", kind=PartnerKind.BANK, identity=f"identity--{uuid.uuid4()}", vouched=True)
        given = partners.add(tx, bank)
        collections.grant(tx, "bank", room, read=True, write=True)
    app = create_app(Settings(database_url=primary.url(name), read_database_url=standby.url(name)))
    reads = app.extensions["scamfeed-reads"]
    assert isinstance(reads, ReplicatedStore)
    read_from: list[str] = []
    view = ReplicatedStore._replica_view

    def noted(self: ReplicatedStore, opened: Any) -> Any:
        found = view(self, opened)
        read_from.append("primary" if found is None else "replica")
        return found

    monkeypatch.setattr(ReplicatedStore, "_replica_view", noted)
    assert isinstance(app.wsgi_app, TaxiiApplication)
    hub = TaxiiHub(app.wsgi_app, store, room, given.token)
    made = Pair(primary, standby, name, hub, reads, read_from)
    made.until("replica")
    yield made
    reads.close()
    close(app)
    store.close()


@pytest.fixture
def paused(pair: Pair) -> Iterator[Pair]:
    """Let the replica receive changes without replaying them."""
    pair.standby.execute("SELECT pg_wal_replay_pause()")
    while pair.standby.execute("SELECT pg_get_wal_replay_pause_state()") != "paused":
        pair.hub.add(indicator())
    yield pair
    pair.standby.execute("SELECT pg_wal_replay_resume()")


@pytest.mark.parametrize("path", [OBJECTS, "/taxii2/", "/feed/collections/", "/feed/collections/room/manifest/"])
def test_replica_serves_read_only_requests(pair: Pair, path: str) -> None:
    pair.hub.add(indicator())
    pair.until("replica", path)


@pytest.mark.long
def test_read_is_never_older_than_an_earlier_response(pair: Pair) -> None:
    """Each of many writes is visible in the read that follows it, from either database."""
    for number in range(1, 201):
        body = json.dumps({"objects": [indicator()]}).encode()
        response = pair.hub.application.respond(pair.hub.environ(OBJECTS, "POST", body))
        assert response.status == 202
        assert pair.ask() == number
        status = json.loads(response.body)["id"]
        assert pair.hub.application.respond(pair.hub.environ(f"/feed/status/{status}/")).status == 200
    assert "replica" in pair.read_from


def test_lagging_replica_is_not_read(paused: Pair) -> None:
    before = paused.ask()
    paused.hub.add(indicator())
    assert paused.ask() == before + 1
    assert paused.where() == "primary"
    paused.standby.execute("SELECT pg_wal_replay_resume()")
    paused.until("replica")
    assert paused.ask() == before + 1


def test_lagging_replica_shows_in_the_heartbeat(paused: Pair) -> None:
    """A mirror that matches its source is only as fresh as that source, which may lack writes of another node."""

    def heartbeat() -> str:
        response = paused.hub.application.respond(paused.hub.environ("/api/collections/room/digest"))
        while response.status == 503:
            response = paused.hub.application.respond(paused.hub.environ("/api/collections/room/digest"))
        found = json.loads(response.body)["heartbeat"]
        assert isinstance(found, str)
        return found

    before = paused.ask()
    with paused.hub.store.begin() as tx:
        # Like another node that this one does not hear from.
        added = log.append(tx, paused.hub.collection, [Item.of(indicator())]).last
        heartbeats.forget(tx, "server")
        heartbeats.beat(tx, "server")
    assert added is not None
    for _ in range(3):
        beat, objects = heartbeat(), paused.ask()
        assert objects == before + 1 or beat < times.stamp(added)
    paused.standby.execute("SELECT pg_wal_replay_resume()")
    deadline = time.monotonic() + 60
    while heartbeat() < times.stamp(added):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert paused.ask() == before + 1


def test_rights_and_credentials_end_at_once(paused: Pair) -> None:
    with paused.hub.store.begin() as tx:
        collections.revoke(tx, "bank", paused.hub.collection)
    assert paused.hub.application.respond(paused.hub.environ(OBJECTS)).status == 404
    with paused.hub.store.begin() as tx:
        partners.rotate(tx, "bank", overlap=timedelta(0))
    assert paused.hub.application.respond(paused.hub.environ(OBJECTS)).status == 401


def test_read_cancelled_by_the_replica_is_served_by_the_primary(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    pair.hub.add(indicator())
    pair.until("replica")
    view = ReplicatedStore._replica_view

    def broken(self: ReplicatedStore, opened: Any) -> Any:
        tx = view(self, opened)
        if tx is not None:
            backend = tx.connection.driver_connection.info.backend_pid
            pair.standby.execute(f"SELECT pg_terminate_backend({backend})")
            time.sleep(0.2)
        return tx

    monkeypatch.setattr(ReplicatedStore, "_replica_view", broken)
    assert pair.ask() == 1


def test_lost_replica_is_bypassed_and_used_again_later(pair: Pair) -> None:
    pair.hub.add(indicator())
    pair.standby.stop()
    assert pair.ask() == 1
    pair.hub.add(indicator())
    assert pair.ask() == 2
    pair.standby.start()
    pair.until("replica")
    assert pair.ask() == 2


@pytest.mark.long
def test_partners_can_read_while_the_primary_is_down(pair: Pair) -> None:
    limited = RequestMeter("requests", 40, 3_600)
    pair.hub.application._authenticator.quotas._requests = limited
    pair.hub.add(indicator(), indicator())
    assert pair.ask() == 2
    pair.primary.stop()
    try:
        assert pair.ask() == 2
        assert pair.hub.get("/health/reads")[0] == "200 OK"
        body = json.dumps({"objects": [indicator()]}).encode()
        refused = pair.hub.application.respond(pair.hub.environ(OBJECTS, "POST", body))
        assert refused.status == 503
        assert dict(refused.headers)["Retry-After"]
        # In this period, the node counts the rate by itself.
        statuses = [pair.hub.application.respond(pair.hub.environ(OBJECTS)).status for _ in range(60)]
        assert set(statuses) == {200, 429}
        assert statuses.count(200) <= 40
    finally:
        pair.primary.start()
    pair.hub.application._authenticator.quotas._requests = RequestMeter("requests", 0, 60)
    pair.hub.add(indicator())
    pair.until_read(3)
    pair.until("replica")
    assert pair.ask() == 3


def test_hub_on_a_replica_alone_serves_reads_and_refuses_writes(pair: Pair) -> None:
    pair.hub.add(indicator())
    pair.until("replica")
    app = create_app(Settings(database_url=pair.standby.url(pair.name), rate_limit=100))
    alone = TaxiiHub(app.wsgi_app, pair.hub.store, pair.hub.collection, pair.hub.token)  # type: ignore[arg-type]
    assert alone.application.respond(alone.environ(OBJECTS)).objects_out == 1
    assert alone.get("/health/reads")[0] == "200 OK"
    body = json.dumps({"objects": [indicator()]}).encode()
    refused = alone.application.respond(alone.environ(OBJECTS, "POST", body))
    assert refused.status == 503
    assert dict(refused.headers)["Retry-After"]
    close(app)


def test_local_meter_allows_at_most_the_limit() -> None:
    store = Store.open("postgresql+psycopg://scamfeed@/none?host=/nowhere")
    meter = RequestMeter("requests", 10, 60)
    waits = [meter.spend(store, "bank") for _ in range(15)]
    assert waits.count(0) == 10
    assert quotas.RequestMeter("requests", 0, 60).spend(store, "bank") == 0
    store.close()


def test_a_replica_of_a_file_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SCAMFEED_READ_DATABASE_URL", "postgresql+psycopg://scamfeed@/hub")
    with pytest.raises(BadConfiguration, match="a replica needs a database_url on PostgreSQL"):
        load()
