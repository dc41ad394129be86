"""After the loss of any host, acknowledged objects exist once, readers get all of them, and writers resume.

Three databases replicate synchronously; two hubs reach the primary through HAProxy. Every second primary has a clock 45
seconds behind its predecessor's.
"""

import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import orjson
import psycopg
import pytest

from mappers import ids
from schemas import timestamp
from schemas.partner import Partner as PartnerRecord, PartnerKind
from server.setup import set_up
from server.store import Store, Tx, collections, log, partners
from server.store.database.sql import TIMELINE, database_time
from server.store.objects.query import EVERY, Query
from tests.failover.hosts import PROXY, SUPERUSER, Hosts, ProgramMissing
from tests.failover.hubs import BANK, IDENTITY, Hub, Partner, Reader, Writer, key
from tests.failover.orders import ALLOWED_SECONDS, PLATFORM, POLICE, OrderReader, OrderSender, clocks, read_all

ROUNDS = int(os.environ.get("ROUNDS", "20"))
# Patroni keeps the place of a lost leader for 20 seconds.
RESUMED_SECONDS = 90.0
LOST_SECONDS = 30.0
DATABASE = f"postgresql+psycopg://scamfeed:change-me-3@{PROXY}:5000/scamfeed"
_BEHIND = f"""
CREATE SCHEMA behind;
CREATE FUNCTION behind.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE AS $$
  SELECT pg_catalog.clock_timestamp()
    - CASE WHEN pg_is_in_recovery() THEN interval '0 s' ELSE interval '45 s' * ({TIMELINE} % 2) END
$$;
GRANT USAGE ON SCHEMA behind TO scamfeed;
ALTER ROLE scamfeed IN DATABASE scamfeed SET search_path = behind, pg_catalog, public;
"""

pytestmark = pytest.mark.timeout(600 + ROUNDS * 200)


class Scene(NamedTuple):
    """All running parts."""

    hosts: Hosts
    hubs: list[Hub]
    store: Store
    partner: Partner
    police: Partner
    platform: Partner


@pytest.fixture
def scene() -> Iterator[Scene]:
    # Outside pytest's own folder, which each new pytest run makes private. Another user runs the databases.
    with tempfile.TemporaryDirectory(prefix="scamfeed-failover-", ignore_cleanup_errors=True) as name:
        yield from _scene(Path(name))


def _scene(folder: Path) -> Iterator[Scene]:
    folder.chmod(0o755)
    try:
        hosts = Hosts(folder)
    except ProgramMissing as error:
        pytest.fail(str(error))
    hubs: list[Hub] = []
    try:
        with psycopg.connect(f"{SUPERUSER} dbname=postgres", autocommit=True) as admin:
            admin.execute("CREATE ROLE scamfeed LOGIN PASSWORD 'change-me-3'")
            admin.execute("CREATE DATABASE scamfeed OWNER scamfeed")
        store = Store.open(DATABASE)
        set_up(store)
        with psycopg.connect(f"{SUPERUSER} dbname=scamfeed", autocommit=True) as admin:
            admin.execute(_BEHIND.encode())
        store.close()
        with store.begin() as tx:
            assert database_time(tx) < (time.time() - 30) * 1_000_000, "the first primary's clock is not behind"
            collections.add(tx, "room", "Room")
            record = PartnerRecord(name=BANK, kind=PartnerKind.BANK, country="TH", identity=IDENTITY, vouched=True)
            token = partners.add(tx, record).token
            for alias, write in (("room", True), ("inbox", True), ("takedown", False)):
                collections.grant(tx, BANK, collections.get(tx, alias), read=alias != "inbox", write=write)
            orders = [_party(tx, POLICE, PartnerKind.GOVERNMENT, "url"), _party(tx, PLATFORM, PartnerKind.PLATFORM)]
        hubs += [Hub(DATABASE, folder / f"hub-{number}.log") for number in (1, 2)]
        deadline = time.monotonic() + 120
        while not all(hub.is_ready() for hub in hubs):
            assert time.monotonic() < deadline, [path.read_text()[-2000:] for path in folder.glob("hub-*.log")]
            time.sleep(0.5)
        stop = threading.Event()
        yield Scene(hosts, hubs, store, *(Partner(one, hubs, stop) for one in (token, *orders)))
        store.close()
    finally:
        for hub in hubs:
            hub.stop()
        hosts.close()


def _party(tx: Tx, name: str, kind: PartnerKind, *authority: str) -> str:
    """Register a party of takedown orders, and return its token."""
    made = partners.add(tx, PartnerRecord(name=name, kind=kind, identity=ids.identity(name), authority=authority))
    collections.grant(tx, name, collections.get(tx, "inbox"), write=True)
    return made.token


def lose_the_primary(scene: Scene) -> None:
    """Patroni and PostgreSQL on the primary's host die, like in a power failure."""
    host = scene.hosts.primary()
    host.kill()
    time.sleep(LOST_SECONDS)
    host.start_patroni()


def lose_a_hub_and_etcd_s_leader(scene: Scene) -> None:
    host = scene.hosts.etcd_leader()
    host.kill_etcd()
    scene.hubs[0].kill()
    time.sleep(5)
    host.start_etcd()


def cut_the_primary_off(scene: Scene) -> None:
    """The primary is cut off from the others, which do not know the reason."""
    host = scene.hosts.primary()
    host.cut()
    time.sleep(LOST_SECONDS)
    host.mend()


def lose_postgresql(scene: Scene) -> None:
    """PostgreSQL's first process is killed, and Patroni keeps running."""
    scene.hosts.primary().kill_postgresql()


def freeze_the_primary(scene: Scene) -> None:
    """The primary freezes, and continues after another host has replaced it."""
    host = scene.hosts.primary()
    host.freeze()
    time.sleep(LOST_SECONDS)
    host.thaw()


def lose_the_primary_and_a_hub(scene: Scene) -> None:
    scene.hubs[1].kill()
    lose_the_primary(scene)


TROUBLES: list[Callable[[Scene], None]] = [
    lose_the_primary,
    lose_a_hub_and_etcd_s_leader,
    cut_the_primary_off,
    lose_postgresql,
    freeze_the_primary,
    lose_the_primary_and_a_hub,
]


def test_no_acknowledged_object_is_lost_no_cursor_passed_and_writers_resume(
    scene: Scene, capsys: pytest.CaptureFixture[str]
) -> None:
    writers = [Writer(scene.partner, collection) for collection in ("room", "room", "inbox", "inbox")]
    readers = [
        Reader(scene.partner, "room", 5),
        Reader(scene.partner, "room", 1000),
        Reader(scene.partner, "room", 60, milliseconds=True),
        Reader(scene.partner, "room", 200, follow=False),
        Reader(scene.partner, "takedown", 20),
        Reader(scene.partner, "takedown", 1000, follow=False),
    ]
    sender, clock_starter = OrderSender(scene.police), OrderReader(scene.platform)
    running = (*writers, *readers, sender, clock_starter)
    for thread in running:
        thread.start()
    known: dict[str, tuple[str, str]] = {}
    for number in range(ROUNDS):
        time.sleep(3)
        trouble = TROUBLES[number % len(TROUBLES)]
        for writer in writers:
            writer.longest = 0.0
        began = time.monotonic()
        trouble(scene)
        scene.hosts.await_health()
        await_writers(writers)
        with capsys.disabled():
            pause = max(writer.longest for writer in writers)
            print(  # noqa: T201  # who waits wants to see
                f"round {number + 1:2} {trouble.__name__:30} healthy after {time.monotonic() - began:5.1f} s,"
                f" longest pause of a writer {pause:5.1f} s, primary {scene.hosts.primary().name}"
            )
        assert all(thread.is_alive() for thread in running)
        known = check_clocks(scene, known)
    scene.partner.stop.set()
    for thread in (*writers, sender, clock_starter):
        thread.join(90)
        assert not thread.is_alive()
    for reader in readers:
        reader.finish.set()
        reader.join(90)
        assert not reader.is_alive()
    check(scene.store, "room", writers[:2], readers[:4])
    check(scene.store, "takedown", writers[2:], readers[4:])
    read_all(scene.platform, "addressee")
    known = check_clocks(scene, known)
    assert known
    assert sorted(known) == sorted(sender.acknowledged), "an order was lost, doubled, or never served"
    with capsys.disabled():
        print(f"{len(known)} orders with their clocks as before")  # noqa: T201
        print(f"{sum(len(writer.acknowledged) for writer in writers)} objects acknowledged, none lost")  # noqa: T201


def await_writers(writers: list[Writer]) -> None:
    """Wait until each of them got another response."""
    since = time.monotonic()
    while any(writer.last < since for writer in writers):
        assert all(writer.is_alive() for writer in writers)
        assert time.monotonic() < since + RESUMED_SECONDS, "a writer does not go on"
        time.sleep(0.1)


def check_clocks(scene: Scene, before: dict[str, tuple[str, str]]) -> dict[str, tuple[str, str]]:
    """Compare the clocks of all orders with those read ``before`` the trouble, and return those of now."""
    found = clocks(scene.police)
    assert before.items() <= found.items(), "served_at or due_at of an order changed"
    allowed = {timestamp.parse(due) - timestamp.parse(served) for served, due in found.values()}
    assert {time.total_seconds() for time in allowed} <= {ALLOWED_SECONDS}
    return found


def check(store: Store, alias: str, writers: list[Writer], readers: list[Reader]) -> None:
    """Compare the acknowledged objects with the stored ones, and these with the objects of each reader."""
    with store.read() as tx:
        bodies = log.page(tx, collections.get(tx, alias), Query(limit=1_000_000, versions=EVERY)).bodies
    there = [key(obj) for obj in map(orjson.loads, bodies) if alias == "room" or obj["type"] == "indicator"]
    acknowledged = [name for writer in writers for name in writer.acknowledged]
    assert acknowledged
    assert len(set(there)) == len(there)
    assert set(acknowledged) <= set(there)
    for reader in readers:
        # Objects shown and then lost by a primary were not acknowledged, and their writer sent them again.
        first = list(dict.fromkeys(reversed([name for name in reader.seen if name in set(there)])))[::-1]
        assert set(there) <= set(reader.seen), "a cursor was passed"
        assert first == there
