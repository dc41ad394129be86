"""Partitioned tables keep their rows, and accept new ones."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import text

from mappers import ids
from mappers.indicator import to_stix
from schemas import timestamp
from schemas.partner import Partner, PartnerKind
from schemas.tabular import ReportReader
from server.release.contribute import contribute
from server.release.hub import Hub
from server.setup import set_up
from server.store import Store, audit, collections, deliveries, inbox, log, partners
from server.store.audit import AuditEvent
from server.store.database import partitions
from server.store.database.partitions import TABLES, Partitioned
from server.store.database.times import micros
from server.store.item import Item
from server.store.objects.query import EVERY, Query
from tests.times import text_ago

BANKS = [Partner(name=name, kind=PartnerKind.BANK, country="TH", identity=ids.identity(name)) for name in ("A", "B")]


@pytest.fixture(params=["postgresql"])
def database(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def hub(store: Store) -> Hub:
    """Fill a hub with some values: two banks report some of them and retract others."""
    set_up(store)
    with store.begin() as tx:
        for bank in BANKS:
            partners.add(tx, bank)
    hub = Hub(store)
    report(hub, BANKS[0], range(60))
    report(hub, BANKS[1], range(40, 80))
    report(hub, BANKS[0], range(10, 20), revoked=True)
    return hub


def report(hub: Hub, bank: Partner, numbers: range, *, revoked: bool = False) -> None:
    reader = ReportReader({"reporter": bank.name, "reported_at": text_ago(days=31), "kind": "domain"})
    made = [obj for n in numbers for obj in to_stix(reader.report({"value": f"shop-{n}.example.net"}))]
    if revoked:
        later = timestamp.text(timestamp.now())
        made = [{**obj, "revoked": True, "modified": later} for obj in made if obj["type"] == "indicator"]
    with hub.store.begin() as tx:
        assert not contribute(hub, tx, bank, [Item.of(obj) for obj in made]).failed


def cut(store: Store) -> list[Partitioned]:
    done = []
    for table in TABLES:
        with store.begin() as tx:
            done.append(partitions.partition(tx, table))
    return done


def pages(store: Store) -> dict[str, Any]:
    """Return all objects of all collections in reading order."""
    found: dict[str, Any] = {}
    with store.read() as tx:
        for collection in collections.all_collections(tx):
            for name, query in (("latest", Query()), ("all", Query(versions=EVERY, spec_versions=("2.0", "2.1")))):
                manifest = log.manifest(tx, collection, query).records
                found[f"{collection.alias} {name}"] = (log.page(tx, collection, query).bodies, manifest)
            some = [record.id for record in manifest[::3]]
            found[f"{collection.alias} some"] = log.latest(tx, collection, some)
    return found


def described(store: Store) -> dict[str, list[str]]:
    """Return the names of the indexes and keys of each table."""
    asked = text("SELECT indexname FROM pg_indexes WHERE tablename = :name ORDER BY 1")
    with store.read() as tx:
        return {table: list(tx.execute(asked, {"name": table}).scalars()) for table in TABLES}


def partition_sizes(store: Store, table: str) -> dict[str, int]:
    asked = text("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = CAST(:name AS regclass)")
    with store.read() as tx:
        names = list(tx.execute(asked, {"name": table}).scalars())
        return {name: tx.exec_driver_sql(f"SELECT count(*) FROM {name}").scalar_one() for name in names}  # noqa: S608


def test_partitioning_keeps_all_rows_and_is_idempotent(hub: Hub) -> None:
    before, indexes = pages(hub.store), described(hub.store)
    done = cut(hub.store)
    assert [(table.table, table.partitions) for table in done] == [
        ("objects", 10),
        *((table, 16) for table in TABLES[1:]),
    ]
    assert pages(hub.store) == before
    assert described(hub.store) == indexes
    assert [table.new for table in cut(hub.store)] == [0] * len(TABLES)
    assert pages(hub.store) == before
    assert hub.store.ready()


def test_partitioned_table_accepts_new_rows_like_a_whole_one(hub: Hub) -> None:
    cut(hub.store)
    report(hub, BANKS[1], range(50, 120))
    report(hub, BANKS[1], range(45, 55), revoked=True)
    report(hub, BANKS[0], range(10, 20))
    found = pages(hub.store)
    listings = [
        body for body in found["takedown latest"][0] if b'"indicator"' in body and b'"revoked":true' not in body
    ]
    # The ten values retracted by the first bank stay retracted, because the revocation is newer than the report.
    assert len(listings) == 110
    assert sum(size > 0 for size in partition_sizes(hub.store, "subjects").values()) > 8
    assert partition_sizes(hub.store, "subjects").keys() == {f"subjects_part_{n}" for n in range(16)}


@pytest.mark.long
def test_concurrent_contributors_lose_nothing(hub: Hub, url: str) -> None:
    cut(hub.store)
    others = [Store.open(url) for _ in BANKS]

    def work(store: Store, bank: Partner) -> None:
        for begin in range(200, 300, 10):
            report(Hub(store), bank, range(begin, begin + 15))

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(work, others, BANKS))
    for other in others:
        other.close()
    found = pages(hub.store)["takedown latest"][0]
    assert sum(b'"indicator"' in body and b'"revoked":true' not in body for body in found) == 70 + 105


def test_rows_of_later_half_years_have_their_own_partition(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    cut(hub.store)
    ahead = partition_sizes(hub.store, "objects")
    with hub.store.begin() as tx:
        later = text("UPDATE collections SET last_added = last_added + :years")
        tx.execute(later, {"years": 200 * 86_400 * 1_000_000})
    report(hub, BANKS[0], range(300, 310))
    assert sum(size > 0 for size in partition_sizes(hub.store, "objects").values()) == 2
    assert ahead["objects_later"] == 0
    begin = _year_of_later(hub.store)
    monkeypatch.setattr(partitions, "now", lambda: micros(datetime(begin - 1, 6, 1, tzinfo=UTC)))
    assert cut(hub.store)[0] == Partitioned("objects", 18, 8)
    assert _year_of_later(hub.store) == begin + 4
    assert cut(hub.store)[0].new == 0


def _year_of_later(store: Store) -> int:
    names = [name for name in partition_sizes(store, "objects") if "_later" not in name and "_until" not in name]
    last = max(names)
    year, half = int(last.split("_")[1]), int(last[-1])
    return year + half // 2


def test_statuses_and_deliveries_are_found_and_deleted(hub: Hub) -> None:
    items = [Item.of(to_stix(made)[1]) for made in _reports(30)]
    with hub.store.begin() as tx:
        deliveries.record(tx, "push", "A", items, "ok")
    cut(hub.store)
    with hub.store.begin() as tx:
        deliveries.record(tx, "push", "A", [item._replace(version=item.version or 0 + 5) for item in items], "ok")
        deliveries.record(tx, "push", "A", items[:3], "failed: busy")
        assert len(deliveries.sent(tx, "push", "A", items)) == 30
        page = deliveries.superseded(tx, before=1 << 60, rows=7)
        assert page.next is not None
        assert inbox.forget_statuses(tx, before=1 << 60) == 0
        moment = micros(timestamp.now())
        audit.record(tx, [AuditEvent(moment, moment, 1, "A", "", "POST", "objects", None, 202, 1, None)])
        assert audit.verify(tx) == []


def _reports(number: int) -> Iterator[Any]:
    reader = ReportReader({"reporter": "A", "reported_at": text_ago(days=31), "kind": "domain"})
    yield from (reader.report({"value": f"sent-{n}.example.net"}) for n in range(number))


def test_rights_and_storage_options_stay(hub: Hub) -> None:
    with hub.store.begin() as tx:
        tx.execute(text("CREATE ROLE scamfeed_reads_partitions"))
        tx.execute(text("GRANT SELECT ON objects, deliveries TO scamfeed_reads_partitions"))
        tx.execute(text("ALTER TABLE deliveries SET (fillfactor = 77)"))
    try:
        cut(hub.store)
        with hub.store.read() as tx:
            may = text("SELECT has_table_privilege('scamfeed_reads_partitions', :name, 'SELECT')")
            assert all(tx.execute(may, {"name": name}).scalar_one() for name in ("objects", "deliveries"))
            options = text("SELECT reloptions FROM pg_class WHERE relname = 'deliveries_part_3'")
            assert tx.execute(options).scalar_one() == ["fillfactor=77"]
    finally:
        with hub.store.begin() as tx:
            tx.execute(text("DROP OWNED BY scamfeed_reads_partitions"))
            tx.execute(text("DROP ROLE scamfeed_reads_partitions"))


def test_sqlite_has_no_partitions(tmp_path: Any) -> None:
    store = Store.open(f"sqlite:///{tmp_path / 'hub.db'}")
    store.migrate()
    with pytest.raises(ValueError, match="PostgreSQL"), store.begin() as tx:
        partitions.partition(tx, "objects")
    store.close()
