"""A store of revision 0014, the last before the migrations were put together, is upgraded with all that it holds."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, LargeBinary, MetaData, create_engine, insert, select, text

from server.store import (
    Store,
    StoreUnavailable,
    audit,
    collections,
    feed_state,
    focal_points,
    hub_identity,
    inbox,
    listings,
    log,
    partners,
    quotas,
    read_progress,
    reputation,
    retractions,
    reviews,
    value_index,
)
from server.store.objects.query import ALL
from server.store.release_tables import metadata

# Made by the code of that revision: a row or more in each table, and the statements that made the tables.
OLD = Path(__file__).parent / "store_0014"
TABLES = {
    "allowances": "quotas",
    "brakes": "throttles",
    "files_seen": "files_read",
    "hub": "hub_identity",
    "mentions": "value_index",
    "positions": "read_positions",
}
COLUMNS = {
    ("first_reads", "given"): "read_up_to",
    ("positions", "given"): "read_up_to",
    ("reviews", "settled"): "upheld",
    ("mentions", "object_id"): "inbox_key",
    ("volumes", "taken"): "received",
}
# The number of objects in a listing without filters, by the collection's number.
LATEST = {1: 1, 2: 1, 3: 1, 13: 1}
# In the log since; test_slim_log_upgrade compares what is read of these.
IN_THE_LOG = {"listings", "mentions", "objects", "personal_rooms"}
NOT_KEPT = {"alembic_version", "migration_gate", *IN_THE_LOG}
MIGRATE = "import sys; from server.store import Store; s = Store.open(sys.argv[1]); s.migrate(); s.close()"

FIRST = "indicator--00000000-0000-5000-8000-000000000001"
LISTED = "indicator--00000000-0000-5000-8000-000000000002"
PRIVATE = "indicator--00000000-0000-5000-8000-000000000004"


def _rows() -> dict[str, dict[str, Any]]:
    rows: dict[str, dict[str, Any]] = json.loads((OLD / "rows.json").read_text())
    return rows


@pytest.fixture
def old_url(database: str, empty_url: str) -> str:
    """Name a database that holds the store of revision 0014."""
    engine = create_engine(empty_url)
    with engine.begin() as connection:
        for statement in (OLD / f"{database}.sql").read_text().split(";\n"):
            if statement.strip():
                connection.execute(text(statement))
        tables = MetaData()
        tables.reflect(connection)
        for table in tables.sorted_tables:
            old = _rows()[table.name]
            binary = {column.name for column in table.columns if isinstance(column.type, LargeBinary)}
            rows = [dict(zip(old["columns"], row, strict=True)) for row in old["rows"]]
            for row in rows:
                row.update({name: bytes.fromhex(row[name]) for name in binary if row[name] is not None})
            if rows:
                connection.execute(insert(table), rows)
    engine.dispose()
    return empty_url


@pytest.fixture
def upgraded(old_url: str) -> Iterator[Store]:
    store = Store.open(old_url)
    store.migrate()
    yield store
    store.close()


def _stored(engine: Engine) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of each table, binary values in hexadecimal as in the file of rows."""
    tables, found = MetaData(), {}
    with engine.connect() as connection:
        tables.reflect(connection)
        for table in tables.sorted_tables:
            rows = connection.execute(select(table)).mappings()
            found[table.name] = [
                {name: value.hex() if isinstance(value, bytes) else value for name, value in row.items()}
                for row in rows
            ]
    return found


def test_every_row_stays_under_the_present_names(upgraded: Store, old_url: str) -> None:
    engine = create_engine(old_url)
    stored = _stored(engine)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    engine.dispose()
    assert stored.keys() == metadata.tables.keys() | {"alembic_version"}
    compared = 0
    for table, old in _rows().items():
        if table in NOT_KEPT:
            continue
        names = [COLUMNS.get((table, name), name) for name in old["columns"]]
        rows = [dict(zip(names, row, strict=True)) for row in old["rows"]]
        for row in rows if table == "collections" else ():
            row["timeline"] = 0
            # Each shared collection comes before its full variant.
            full = row["alias"].endswith("-full")
            row |= {"log": row["number"] - full, "part": 1 + full, "objects": LATEST.get(row["number"], 0)}
            if row["kind"] == "personal":
                row["kind"] = "private"
        for row in rows if table == "grants" else ():
            # Who could read before goes on as before.
            row["granted"] = 0
        for row in rows if table == "partners" else ():
            # Nobody is named to the public who did not ask for it.
            row |= {"shown_publicly": False, "former_institutions": "[]"}
        for row in rows if table == "runs" else ():
            # How a peer answered was not recorded.
            row["status"] = None
        key = json.dumps
        assert sorted(map(key, stored[TABLES.get(table, table)])) == sorted(map(key, _in_order(rows, stored, table)))
        compared += len(rows)
    assert compared > 55


def _in_order(rows: list[dict[str, Any]], stored: dict[str, list[dict[str, Any]]], table: str) -> list[dict[str, Any]]:
    columns = list(stored[TABLES.get(table, table)][0])
    return [{name: row[name] for name in columns} for row in rows]


def test_partners_keep_their_credentials_rights_and_private_collections(upgraded: Store) -> None:
    with upgraded.read() as tx:
        bank = partners.by_password(tx, "First Bank", "password of First Bank")
        assert bank == partners.by_token(tx, "token of First Bank") == partners.get(tx, "First Bank")
        assert bank is not None
        assert (bank.trusted, bank.institutions) == (True, ("NWBKGB2L",))
        assert [partner.name for partner in partners.all_partners(tx)] == ["First Bank", "gone", "police"]
        assert list(partners.departed_partners(tx)) == ["gone"]
        private = collections.find_private(tx, "First Bank", "for")
        assert private is not None
        assert (private.kind, private.owner) == ("private", "First Bank")
        rights = collections.rights(tx, "First Bank")
        assert rights[private.id] == (True, False)
        assert rights[collections.get(tx, "inbox").id] == (False, True)
        assert log.private_collections_of(tx, [PRIVATE]) == {PRIVATE: {private.number}}
        assert focal_points.of(tx, "police")[0].contact == "help@police.example"
        assert value_index.all_own_values(tx, "First Bank") == {"domain:bank.example": "First Bank"}


def test_the_log_the_value_index_and_the_listings_go_on(upgraded: Store) -> None:
    with upgraded.begin() as tx:
        takedown = collections.get(tx, "takedown")
        assert [json.loads(body)["id"] for body in log.page(tx, takedown, ALL).bodies] == [LISTED, LISTED]
        key = inbox.key(partners.space(tx, "First Bank"), FIRST)
        assert value_index.find(tx, ["domain:bad.example"]) == {"domain:bad.example": {key}}
        assert inbox.latest(tx, [key])[key].id == FIRST
        assert listings.find(tx, ["domain:bad.example"]) == {
            "domain:bad.example": {"": [LISTED], "First Bank": [PRIVATE]}
        }
        assert listings.older_id_of(tx, key) == FIRST
        assert hub_identity.name(tx) == "Old hub"
        assert len(hub_identity.secret(tx, "ids")) == 32
        value_index.add(tx, [("domain:bad.example", inbox.key(9, FIRST))])
        assert log.append(tx, takedown, list(log.latest(tx, takedown, [LISTED]).values())).unchanged == [LISTED]


def test_reviews_receipts_and_reputation_go_on(upgraded: Store) -> None:
    with upgraded.read() as tx:
        [dispute] = reviews.of_subjects(tx, ["domain:bad.example"])["domain:bad.example"]
        assert (dispute.state, dispute.upheld) == ("approved", dispute.decided)
        assert [review.rule for review in reviews.all_reviews(tx, "open")] == ["top-sites"]
        assert reviews.delisted_among(tx, ["domain:good.example"]) == {"domain:good.example"}
        assert [receipt.partner for receipt in retractions.all_receipts(tx)] == ["First Bank"]
        assert reputation.totals(tx)["First Bank"] == reputation.ReportTotals(1, 1, frozenset({"police"}))
        assert quotas.daily_volumes(tx, "First Bank", 0) == {20370: quotas.DailyVolume(5, 1, 2)}
        assert [throttle.partner for throttle in quotas.current_throttles(tx)] == ["First Bank"]
        assert hub_identity.all_warnings(tx)[0].times == 2


def test_feeds_reads_quotas_and_the_audit_trail_go_on(upgraded: Store) -> None:
    with upgraded.begin() as tx:
        assert feed_state.load_checkpoint(tx, "pull") == {"after": 5}
        assert feed_state.has_read_file(tx, "pull", "ab" * 32)
        assert feed_state.last_runs(tx)["pull"].unread == {"columns": {"note": 3}}
        assert feed_state.load_state(tx, "pull").accepted == 28
        assert [letter.subject for letter in feed_state.find_dead_letters(tx, "pull")] == [FIRST]
        lease = feed_state.acquire_lease(tx, "pull", "node-2")
        assert lease is not None
        assert lease.token == 2
        assert {lag.partner for lag in read_progress.lags(tx)} == {"First Bank", "police"}
        assert read_progress.first_read_at(tx, collections.get(tx, "takedown").id, 0) is not None
        assert quotas.charge(tx, "First Bank", "objects", 94, limit=100, seconds=86_400 * 36_500) > 0
        assert audit.verify(tx) == []


def test_processes_may_upgrade_an_old_store_at_once(old_url: str) -> None:
    running = [subprocess.Popen([sys.executable, "-W", "error", "-c", MIGRATE, old_url]) for _ in range(3)]
    assert [process.wait(60) for process in running] == [0, 0, 0]


@pytest.mark.parametrize(
    ("revision", "way_out"),
    [("0001", "the version before this one"), ("0013", "the version before"), ("0999", "newer")],
)
def test_a_store_of_another_revision_is_refused_with_the_way_out(old_url: str, revision: str, way_out: str) -> None:
    engine = create_engine(old_url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :revision"), {"revision": revision})
    before = _stored(engine)
    store = Store.open(old_url)
    with pytest.raises(StoreUnavailable, match=f"{revision}.*{way_out}"):
        store.migrate()
    store.close()
    after = _stored(engine)
    engine.dispose()
    # The lock that migrations wait at, on PostgreSQL, may be new.
    assert {table: rows for table, rows in after.items() if table != "migration_lock"} == before


def test_each_store_has_a_secret_of_its_own(tmp_path: Path) -> None:
    secrets = set()
    for name in ("one", "two"):
        store = Store.open(f"sqlite:///{tmp_path / name}.db")
        store.migrate()
        with store.read() as tx:
            secrets |= {hub_identity.secret(tx, "listings"), hub_identity.secret(tx, "cursors")}
            assert hub_identity.secret(tx, "listings") == hub_identity.secret(tx, "listings")
        store.close()
    assert len(secrets) == 4
    assert {len(secret) for secret in secrets} == {32}
