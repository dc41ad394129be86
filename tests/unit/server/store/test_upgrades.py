"""A store made before the migrations were merged has the tables of a new one, and keeps all its data."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, select, text

from server.features.erasures import indexing
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
from server.store.database.times import now
from server.store.objects import bodies
from server.store.objects.query import ALL
from server.store.tables import declared, text_keys
from tests.postgres import Postgres
from tests.unit.server.store.old_stores import HERE, fill, rows_of_0073, schema_of, stored, text_of

# Made by the code of that time: one or more rows in each table, and the statements that created the tables.
OLD = HERE / "store_0073"
MIGRATE = "import sys; from server.store import Store; s = Store.open(sys.argv[1]); s.migrate(); s.close()"

FIRST = "indicator--00000000-0000-5000-8000-000000000001"
LISTED = "indicator--00000000-0000-5000-8000-000000000002"
PRIVATE = "indicator--00000000-0000-5000-8000-000000000004"


@pytest.fixture(scope="module")
def old_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the old store on SQLite, for copying."""
    file = tmp_path_factory.mktemp("old") / "hub.db"
    fill(f"sqlite:///{file}", OLD / "sqlite.sql", rows_of_0073()).dispose()
    return file


@pytest.fixture(scope="module")
def old_database(postgres: Postgres) -> str:
    """Make the old store on PostgreSQL, for copying, and return its name."""
    name = postgres.database()
    fill(postgres.url(name), OLD / "postgresql.sql", rows_of_0073()).dispose()
    return name


@pytest.fixture
def old_url(database: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Return the URL of a database with the old store."""
    if database == "sqlite":
        yield f"sqlite:///{shutil.copy(request.getfixturevalue('old_file'), tmp_path / 'old.db')}"
        return
    server: Postgres = request.getfixturevalue("postgres")
    name = server.database(request.getfixturevalue("old_database"))
    yield server.url(name)
    server.drop(name)


@pytest.fixture
def upgraded(old_url: str) -> Iterator[Store]:
    store = Store.open(old_url)
    store.migrate()
    yield store
    store.close()
    # In tests, stores share the dictionaries that they know. Only this one has these.
    bodies._known.clear()


def test_every_row_is_kept(upgraded: Store, old_url: str) -> None:
    engine = create_engine(old_url)
    found = stored(engine)
    engine.dispose()
    assert found.keys() == declared().tables.keys() | {"alembic_version"}
    for table, old in rows_of_0073().items():
        if table == "alembic_version":
            continue
        rows = [dict(zip(old["columns"], row, strict=True)) for row in old["rows"]]
        assert rows, table
        # Later migrations add columns with a default.
        kept = [{name: row[name] for name in old["columns"]} for row in found[table]]
        if table == "jobs":
            # Begun by a migration; see below.
            kept = [row for row in kept if row["name"] != "index texts"]
        assert sorted(map(text_of, kept)) == sorted(map(text_of, rows))


@pytest.mark.long_but("sqlite")
def test_tables_are_those_of_a_new_store(upgraded: Store, old_url: str, url: str) -> None:
    upgraded_schema, new_schema = schema_of(old_url), schema_of(url)
    assert upgraded_schema.keys() == new_schema.keys()
    for table, parts in new_schema.items():
        assert upgraded_schema[table] == parts, table


def test_texts_of_older_rows_are_indexed(upgraded: Store) -> None:
    with upgraded.read() as tx:
        left = indexing.left(tx)
        filled = {row.log for row in collections.all_collections(tx) if row.last_added > 0}
        assert {log for log, _, _ in left} == filled != set()
        assert tx.execute(select(text_keys)).all() == []
    assert indexing.resume(upgraded, idle_since=now()) == 1
    with upgraded.read() as tx:
        assert indexing.left(tx) == []


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


def test_log_value_index_and_listings_continue(upgraded: Store) -> None:
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


def test_reviews_receipts_and_reputation_continue(upgraded: Store) -> None:
    with upgraded.read() as tx:
        [dispute] = reviews.of_subjects(tx, ["domain:bad.example"])["domain:bad.example"]
        assert (dispute.state, dispute.upheld) == ("approved", dispute.decided)
        assert [review.rule for review in reviews.all_reviews(tx, "open")] == ["top-sites"]
        assert reviews.delisted_among(tx, ["domain:good.example"]) == {"domain:good.example"}
        assert [receipt.partner for receipt in retractions.all_receipts(tx)] == ["First Bank"]
        assert reputation.totals(tx)["First Bank"] == reputation.ReportTotals({"police": 1}, 1)
        assert quotas.daily_volumes(tx, ["First Bank"], 0)["First Bank"] == {20370: quotas.DailyVolume(5, 1, 2)}
        assert [throttle.partner for throttle in quotas.current_throttles(tx)] == ["First Bank"]
        assert hub_identity.all_warnings(tx)[0].times == 2


def test_feeds_reads_quotas_and_the_audit_trail_continue(upgraded: Store) -> None:
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
        assert quotas.charge(tx, "first bank", "objects", 94, limit=100, seconds=86_400 * 36_500) > 0
        assert audit.verify(tx) == []


@pytest.mark.long
def test_concurrent_upgrades_of_an_old_store_work(old_url: str) -> None:
    running = [subprocess.Popen([sys.executable, "-W", "error", "-c", MIGRATE, old_url]) for _ in range(3)]
    assert [process.wait(60) for process in running] == [0, 0, 0]


@pytest.mark.parametrize(
    ("revision", "way_out"),
    [
        ("0001", "from 0062 on.*commit [0-9a-f]{8} first"),
        ("0061", "commit [0-9a-f]{8} first"),
        ("0072", "that version"),
        ("0999", "that version"),
    ],
)
def test_store_of_another_revision_is_refused_with_advice(old_url: str, revision: str, way_out: str) -> None:
    engine = create_engine(old_url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :revision"), {"revision": revision})
    before = stored(engine)
    store = Store.open(old_url)
    with pytest.raises(StoreUnavailable, match=f"revision {revision}.*{way_out}"):
        store.migrate()
    store.close()
    after = stored(engine)
    engine.dispose()
    assert after == before


def test_each_store_has_its_own_secret(tmp_path: Path) -> None:
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
