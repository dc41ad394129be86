import os
import subprocess
import sys
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, text

from server.store import Store, collections, hub_identity, log, migrations
from server.store.item import Item
from server.store.objects.query import Query
from server.store.release_tables import metadata

MIGRATE = "import sys; from server.store import Store; s = Store.open(sys.argv[1]); s.migrate(); s.close()"


# As the first revision had them; a date_added beyond every clock shows that the order goes on from the data.
COLLECTION = (
    "INSERT INTO collections (number, id, alias, title, description, kind, created, last_added)"
    " VALUES (1, 'c', 'collection', 'Collection', '', 'exchange', 1, 4000000000000000)"
)
OBJECT = (
    "INSERT INTO objects (collection, date_added, id, type, spec_version, version, revoked, latest, legacy, body)"
    " VALUES (1, 4000000000000000, 'url--1', 'url', '2.1', NULL, false, true, false, :body)"
)


def _differences(url: str) -> list[object]:
    """Compare the tables that are there with those that the code describes."""
    engine = create_engine(url)
    with engine.connect() as connection:
        found: list[object] = compare_metadata(MigrationContext.configure(connection), metadata)
    engine.dispose()
    return found


def test_the_migrations_build_what_the_tables_describe(store: Store, url: str) -> None:
    assert store.ready()
    assert _differences(url) == []


def test_every_migration_goes_forward_over_the_data_of_the_one_before(empty_url: str) -> None:
    engine = create_engine(
        empty_url, execution_options={"isolation_level": "AUTOCOMMIT"} if empty_url.startswith("sqlite") else {}
    )
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    revisions = [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()][::-1]
    with engine.connect() as connection, connection.begin():
        config.attributes["connection"] = connection
        command.upgrade(config, revisions[0])
        connection.execute(text(COLLECTION))
        connection.execute(text(OBJECT), {"body": b"{}"})
    for revision in revisions[1:]:
        with engine.connect() as connection, connection.begin():
            config.attributes["connection"] = connection
            command.upgrade(config, revision)
    engine.dispose()
    store = Store.open(empty_url)
    store.migrate()
    assert _differences(empty_url) == []
    with store.begin() as tx:
        collection = collections.get(tx, "collection")
        assert log.page(tx, collection, Query()).bodies == [b"{}"]
        done = log.append(tx, collection, [Item.of({"type": "url", "id": "url--2", "value": "x"})])
        assert done.first is not None
        assert done.first > 4_000_000_000_000_000
    store.close()


def test_migrating_again_changes_nothing(store: Store, url: str) -> None:
    store.migrate()
    other = Store.open(url)
    other.migrate()
    assert other.ready()
    other.close()


def test_processes_may_migrate_at_once(empty_url: str) -> None:
    running = [subprocess.Popen([sys.executable, "-W", "error", "-c", MIGRATE, empty_url]) for _ in range(3)]
    assert [process.wait(60) for process in running] == [0, 0, 0]


def test_a_store_without_tables_is_not_ready(empty_url: str) -> None:
    empty = Store.open(empty_url)
    assert not empty.ready()
    empty.close()


@pytest.mark.parametrize(("before", "after"), [(None, 0o600), (0o644, 0o640), (0o600, 0o600)])
def test_a_database_file_is_not_for_everybody(tmp_path: Path, before: int | None, after: int) -> None:
    file = tmp_path / "hub.db"
    if before is not None:
        file.touch()
        file.chmod(before)
    mask = os.umask(0o022)
    try:
        store = Store.open(f"sqlite:///{file}")
        store.migrate()
        with store.begin() as tx:
            hub_identity.rename(tx, "Hub")
        files = [file, tmp_path / "hub.db-wal", tmp_path / "hub.db-shm"]
        assert {path.stat().st_mode & 0o777 for path in files} == {after}
        assert not any(path.stat().st_mode & 0o007 for path in tmp_path.iterdir())
        store.close()
    finally:
        os.umask(mask)


def test_a_store_in_memory_is_refused() -> None:
    for url in ("sqlite://", "sqlite:///:memory:"):
        with pytest.raises(ValueError, match="file"):
            Store.open(url)


def test_nothing_is_written_before_it_is_asked_for(tmp_path: Path) -> None:
    Store.open(f"sqlite:///{tmp_path / 'none.db'}").close()
    assert not (tmp_path / "none.db").exists()
