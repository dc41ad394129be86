import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from server.store import Store
from server.store.tables import metadata

MIGRATE = "import sys; from server.store import Store; s = Store.open(sys.argv[1]); s.migrate(); s.close()"


def test_the_migrations_build_what_the_tables_describe(store: Store) -> None:
    with store.read() as tx:
        assert compare_metadata(MigrationContext.configure(tx), metadata) == []


def test_migrating_again_changes_nothing(store: Store, url: str) -> None:
    store.migrate()
    other = Store.open(url)
    other.migrate()
    assert other.ready()
    other.close()


def test_two_processes_may_migrate_at_once(url: str) -> None:
    running = [subprocess.Popen([sys.executable, "-W", "error", "-c", MIGRATE, url]) for _ in range(3)]
    assert [process.wait(60) for process in running] == [0, 0, 0]


def test_a_store_without_tables_is_not_ready(url: str) -> None:
    empty = Store.open(url)
    assert not empty.ready()
    empty.close()


def test_a_store_in_memory_is_refused() -> None:
    for url in ("sqlite://", "sqlite:///:memory:"):
        with pytest.raises(ValueError, match="file"):
            Store.open(url)


def test_nothing_is_written_before_it_is_asked_for(tmp_path: Path) -> None:
    Store.open(f"sqlite:///{tmp_path / 'none.db'}").close()
    assert not (tmp_path / "none.db").exists()
