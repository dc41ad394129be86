import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from server.store import Store, hub_identity, migrate, migrations
from server.store.tables import declared

MIGRATE = "import sys; from server.store import Store; s = Store.open(sys.argv[1]); s.migrate(); s.close()"


def _differences(url: str) -> list[object]:
    """Compare the actual tables with the declared ones."""
    engine = create_engine(url)
    with engine.connect() as connection:
        found: list[object] = compare_metadata(MigrationContext.configure(connection), declared())
    engine.dispose()
    return found


def test_migrations_build_the_declared_tables(store: Store, url: str) -> None:
    assert store.ready()
    assert _differences(url) == []


# The newest migration: the one that no other follows.
LAST = str(ScriptDirectory(str(Path(migrations.__file__).parent)).get_current_head())
NEXT = """
from alembic import op

revision, down_revision, branch_labels, depends_on = "9999", "LAST", None, None


def upgrade():
    op.execute("UPDATE hub_identity SET name = name || ' upgraded'")


def downgrade():
    op.execute("UPDATE hub_identity SET name = name || ' as before'")
"""


def test_new_store_skips_later_migrations_and_an_older_one_runs_them(
    empty_url: str, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "migrations"
    shutil.copytree(Path(migrations.__file__).parent, folder)
    (folder / "versions/9999_next.py").write_text(NEXT.replace("LAST", LAST))
    monkeypatch.setattr(migrate, "files", lambda _: tmp_path)
    names = []
    for steps in ((empty_url, "head"), (url, "head"), (f"sqlite:///{tmp_path}/restored.db", LAST, "head")):
        store = Store.open(steps[0])
        for revision in steps[1:]:
            store.migrate(revision)
            with store.read() as tx:
                names.append(hub_identity.name(tx))
        store.close()
    assert names == ["Scamfeed", "Scamfeed upgraded", "Scamfeed as before", "Scamfeed as before upgraded"]


def test_migrating_again_changes_nothing(store: Store, url: str) -> None:
    store.migrate()
    other = Store.open(url)
    other.migrate()
    assert other.ready()
    other.close()


@pytest.mark.long
def test_concurrent_migrations_work(empty_url: str) -> None:
    running = [subprocess.Popen([sys.executable, "-W", "error", "-c", MIGRATE, empty_url]) for _ in range(3)]
    assert [process.wait(60) for process in running] == [0, 0, 0]


def test_a_store_without_tables_is_not_ready(empty_url: str) -> None:
    empty = Store.open(empty_url)
    assert not empty.ready()
    empty.close()


@pytest.mark.parametrize(("before", "after"), [(None, 0o600), (0o644, 0o640), (0o600, 0o600)])
def test_database_file_is_private(tmp_path: Path, before: int | None, after: int) -> None:
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


def test_nothing_is_written_before_the_first_use(tmp_path: Path) -> None:
    Store.open(f"sqlite:///{tmp_path / 'none.db'}").close()
    assert not (tmp_path / "none.db").exists()
