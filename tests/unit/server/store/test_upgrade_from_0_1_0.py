"""A store of version 0.1.0 is upgraded with all its rows."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, select, text, update

from server.store import Store
from server.store.database.times import now
from server.store.objects import host_pages
from server.store.tables import objects, partners, subjects
from tests.postgres import Postgres
from tests.unit.server.store.old_stores import HERE, fill, rows_of_0073, schema_of, stored

# The statements that created the tables of 0.1.0, and the rows of a later store that they can hold.
OLD = HERE / "store_0062"
# Computed or counted anew after the upgrade.
ANEW = {"digests", "digest_buckets", "quotas", "alembic_version"}
PAGE = "url:https://www.pay.example.com/login"
MONTH = 31 * 86_400_000_000


def _fill(url: str, statements: Path) -> None:
    """Make a store of 0.1.0, whose quotas are by name; the first listing is that of a page, one partner is new."""
    rows = rows_of_0073()
    rows["quotas"]["rows"] = [["First Bank", *row[1:]] for row in rows["quotas"]["rows"]]
    engine = fill(url, statements, rows)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0062'"))
        connection.execute(update(subjects).values(subject=PAGE))
        connection.execute(update(partners).values(created=now() - MONTH))
        connection.execute(update(partners).where(partners.c.name == "police").values(created=now()))
    engine.dispose()


@pytest.fixture
def old_url(database: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if database == "sqlite":
        url = f"sqlite:///{tmp_path / 'old.db'}"
        _fill(url, OLD / "sqlite.sql")
        yield url
        return
    server: Postgres = request.getfixturevalue("postgres")
    name = server.database()
    _fill(server.url(name), OLD / "postgresql.sql")
    yield server.url(name)
    server.drop(name)


@pytest.fixture
def upgraded(old_url: str) -> Iterator[Store]:
    store = Store.open(old_url)
    store.migrate()
    yield store
    store.close()


def test_every_row_of_0_1_0_is_kept(old_url: str) -> None:
    engine = create_engine(old_url)
    before = stored(engine)
    store = Store.open(old_url)
    store.migrate()
    store.close()
    after = stored(engine)
    engine.dispose()
    for table, rows in before.items():
        assert rows, table
        if table not in ANEW:
            columns = rows[0].keys()
            kept = [{name: row[name] for name in columns} for row in after[table] if row.get("name") != "index texts"]
            assert sorted(map(str, kept)) == sorted(map(str, rows))
    for table in ANEW - {"alembic_version"}:
        assert after[table] == []


def test_listed_pages_of_0_1_0_are_found_by_host(upgraded: Store) -> None:
    with upgraded.read() as tx:
        hosts = set(
            tx.execute(select(objects.c.host).where(objects.c.value.is_not(None), objects.c.space == 0)).scalars()
        )
    assert hosts == {host_pages.number_of_host("pay.example.com")}


def test_partners_of_0_1_0_known_for_a_month_are_vouched_for(upgraded: Store) -> None:
    with upgraded.read() as tx:
        vouched = dict(tx.execute(select(partners.c.name, partners.c.vouched)).all())
    assert vouched == {"First Bank": True, "gone": True, "police": False}


def test_tables_of_0_1_0_become_those_of_a_new_store(upgraded: Store, old_url: str, url: str) -> None:
    upgraded_schema, new_schema = schema_of(old_url), schema_of(url)
    assert upgraded_schema.keys() == new_schema.keys()
    for table, parts in new_schema.items():
        assert upgraded_schema[table] == parts, table
