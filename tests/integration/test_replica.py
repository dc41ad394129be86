"""Partners read from a replica what it has replayed, and never less than what anybody was told before."""

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
from server.taxii.application import TaxiiApplication
from tests.integration.taxii_hub import OBJECTS, TaxiiHub, indicator
from tests.postgres import Postgres, PostgresMissing
from tests.standby import Standby


@dataclass
class Pair:
    """A hub on a primary and its replica, and what each of its reads was answered by."""

    primary: Postgres
    standby: Standby
    name: str
    hub: TaxiiHub
    reads: ReplicatedStore
    read_from: list[str]

    def ask(self, path: str = OBJECTS, **more: str) -> int:
        """Return how many objects the application answers with, -1 for an error."""
        response = self.hub.application.respond(self.hub.environ(path, **more))
        return response.objects_out if response.status == 200 else -1

    def where(self, path: str = OBJECTS) -> str:
        """Return by which database a read is answered."""
        self.read_from.clear()
        self.ask(path)
        return self.read_from[-1]

    def until(self, where: str) -> None:
        """Ask until a read is answered by ``where``."""
        deadline = time.monotonic() + 20
        while self.where() != where:
            assert time.monotonic() < deadline, f"nothing is read from the {where}"
            time.sleep(0.05)


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[Postgres, Standby]]:
    try:
        # What is answered has to be in the log, so that the log's position stands for it.
        primary = Postgres(durable=True)
        primary.start()
        standby = Standby(primary)
        standby.start()
    except PostgresMissing as error:
        pytest.skip(f"POSTGRESQL DID NOT RUN: {error}")
    yield primary, standby
    standby.remove()
    primary.remove()


@pytest.fixture
def pair(servers: tuple[Postgres, Standby], monkeypatch: pytest.MonkeyPatch) -> Iterator[Pair]:
    primary, standby = servers
    name = primary.database()
    store = Store.open(primary.url(name))
    store.migrate()
    with store.begin() as tx:
        room = collections.add(tx, "room", "Room")
        bank = Partner(name="bank", kind=PartnerKind.BANK, identity=f"identity--{uuid.uuid4()}")
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
    """Let the replica receive, and replay nothing."""
    pair.standby.execute("SELECT pg_wal_replay_pause()")
    while pair.standby.execute("SELECT pg_get_wal_replay_pause_state()") != "paused":
        pair.hub.add(indicator())
    yield pair
    pair.standby.execute("SELECT pg_wal_replay_resume()")


@pytest.mark.parametrize("path", [OBJECTS, "/taxii2/", "/feed/collections/", "/feed/collections/room/manifest/"])
def test_what_only_reads_is_answered_by_the_replica(pair: Pair, path: str) -> None:
    pair.hub.add(indicator())
    pair.until("replica")
    assert pair.where(path) == "replica"


def test_a_read_is_never_behind_what_was_answered_before(pair: Pair) -> None:
    """Each of many writes is there in the read that follows it, whoever of the two answers."""
    for number in range(1, 201):
        body = json.dumps({"objects": [indicator()]}).encode()
        response = pair.hub.application.respond(pair.hub.environ(OBJECTS, "POST", body))
        assert response.status == 202
        assert pair.ask() == number
        status = json.loads(response.body)["id"]
        assert pair.hub.application.respond(pair.hub.environ(f"/feed/status/{status}/")).status == 200
    assert "replica" in pair.read_from


def test_a_replica_that_is_behind_is_not_read(paused: Pair) -> None:
    before = paused.ask()
    paused.hub.add(indicator())
    assert paused.ask() == before + 1
    assert paused.where() == "primary"
    paused.standby.execute("SELECT pg_wal_replay_resume()")
    paused.until("replica")
    assert paused.ask() == before + 1


def test_a_replica_that_lags_shows_it_in_the_heartbeat(paused: Pair) -> None:
    """A mirror that is equal to what it read is no younger than that: what another node wrote since is not there."""

    def heartbeat() -> str:
        response = paused.hub.application.respond(paused.hub.environ("/api/collections/room/digest"))
        while response.status == 503:
            response = paused.hub.application.respond(paused.hub.environ("/api/collections/room/digest"))
        found = json.loads(response.body)["heartbeat"]
        assert isinstance(found, str)
        return found

    before = paused.ask()
    with paused.hub.store.begin() as tx:
        # As another node, of which this one hears nothing.
        added = log.append(tx, paused.hub.collection, [Item.of(indicator())]).last
        heartbeats.forget(tx, "server")
        heartbeats.beat(tx, "server")
    assert added is not None
    for _ in range(3):
        beat, objects = heartbeat(), paused.ask()
        assert objects == before + 1 or beat < times.stamp(added)
    paused.standby.execute("SELECT pg_wal_replay_resume()")
    deadline = time.monotonic() + 20
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


def test_a_read_that_the_replica_breaks_off_is_answered_by_the_primary(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
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


def test_a_replica_that_is_gone_is_done_without_and_found_again(pair: Pair) -> None:
    pair.hub.add(indicator())
    pair.standby.stop()
    assert pair.ask() == 1
    pair.hub.add(indicator())
    assert pair.ask() == 2
    pair.standby.start()
    pair.until("replica")
    assert pair.ask() == 2


def test_partners_read_on_while_the_primary_is_away(pair: Pair) -> None:
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
        # The rate is counted here meanwhile.
        statuses = [pair.hub.application.respond(pair.hub.environ(OBJECTS)).status for _ in range(60)]
        assert set(statuses) == {200, 429}
        assert statuses.count(200) <= 40
    finally:
        pair.primary.start()
    pair.hub.application._authenticator.quotas._requests = RequestMeter("requests", 0, 60)
    pair.hub.add(indicator())
    pair.until("replica")
    assert pair.ask() == 3


def test_a_hub_on_a_replica_alone_answers_reads_and_refuses_writes(pair: Pair) -> None:
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


def test_a_meter_that_counts_by_itself_allows_no_more_than_the_limit() -> None:
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
