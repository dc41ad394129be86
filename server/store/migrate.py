"""Bring the tables of a database to the revision that this version of the project needs."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import as_file, files

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, insert, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.schema import CreateTable

from server.store.tables import migration_lock

# The last of the revisions that were put together in one; that one upgrades a store of this revision.
_LAST_REPLACED = "0014"


class UnknownRevision(Exception):
    """The tables are of a version of the project that this one cannot upgrade; nothing was changed."""


def upgrade(engine: Engine) -> None:
    """Run the migrations that ``engine``'s database lacks, all or none; a second process waits and finds none.

    Raises ``UnknownRevision``.
    """
    if engine.dialect.name != "sqlite":
        _create_lock(engine)
    with engine.connect().execution_options(scamfeed_writes=True) as connection, connection.begin():
        if engine.dialect.name != "sqlite":
            from server.store.database import postgresql

            postgresql.take_time(connection)
            connection.execute(select(migration_lock.c.id).with_for_update()).all()
            postgresql.keep_settings(connection)
        with _configured(connection) as config:
            _start_from_known(connection, ScriptDirectory.from_config(config))
            command.upgrade(config, "head")


def revisions(connection: Connection) -> tuple[str | None, str | None]:
    """Return the revision of the tables, and the revision that this version of the project needs."""
    with _configured(connection) as config:
        needed = ScriptDirectory.from_config(config).get_current_head()
    return MigrationContext.configure(connection).get_current_revision(), needed


def _start_from_known(connection: Connection, scripts: ScriptDirectory) -> None:
    """Let Alembic begin anew with a store of the last replaced revision; refuse every other unknown revision."""
    current = MigrationContext.configure(connection).get_current_revision()
    if current is None or current in {script.revision for script in scripts.walk_revisions()}:
        return
    if current == _LAST_REPLACED:
        connection.execute(text("DELETE FROM alembic_version"))
    elif current < _LAST_REPLACED:
        raise UnknownRevision(
            f"the store has revision {current}, and this version upgrades from {_LAST_REPLACED} on; "
            "run scamfeed init of the version before this one first, then of this one"
        )
    else:
        raise UnknownRevision(
            f"the store has revision {current}, which a newer version made; run that version, or restore a backup"
        )


@contextmanager
def _configured(connection: Connection) -> Iterator[Config]:
    with as_file(files("server.store") / "migrations") as folder:
        config = Config()
        config.set_main_option("script_location", str(folder).replace("%", "%%"))
        config.attributes["connection"] = connection
        yield config


def _create_lock(engine: Engine) -> None:
    """Leave one row to lock, whoever comes first; on SQLite, BEGIN IMMEDIATE is the lock."""
    try:
        with engine.begin() as connection:
            connection.execute(CreateTable(migration_lock, if_not_exists=True))
            if connection.execute(select(migration_lock.c.id)).first() is None:
                connection.execute(insert(migration_lock).values(id=1))
    except IntegrityError:
        # Another process made it in the same moment.
        _create_lock(engine)
