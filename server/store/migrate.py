"""Upgrade the tables of a database to the revision that this program version needs."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import as_file, files

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, insert, inspect, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.schema import CreateTable

from server.store.database.transactions import Tx
from server.store.tables import migration_lock

# The tables of version 0.1.0. The revisions before it were removed; this commit is the last with them.
_OLDEST = "0062"
_LAST_WITH_OLDER = "51071e1b"
# Creates the declared tables in a new store.
_FIRST = "0073"


class UnknownRevision(Exception):
    """This program version cannot upgrade the tables; nothing was changed."""


class NotEmpty(Exception):
    """The database already has tables; nothing was changed. The message names one."""


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Run the migrations missing in ``engine``'s database, all or none. A second process waits and finds none.

    A new store gets the declared tables, and skips later migrations. With a ``revision``, it gets the tables of that.

    Raises ``UnknownRevision``.
    """
    if engine.dialect.name != "sqlite":
        _create_lock(engine)
    with engine.connect().execution_options(scamfeed_writes=True) as connection, connection.begin():
        if engine.dialect.name != "sqlite":
            _lock(connection)
        with _configured(connection) as config:
            current = MigrationContext.configure(connection).get_current_revision()
            if current is not None:
                refuse_revision(current)
                command.upgrade(config, revision)
                return
            _make_tables(config)
            if revision != "head":
                command.downgrade(config, revision)


def make_tables(connection: Connection) -> None:
    """Make the tables of a new store in a transaction on an empty PostgreSQL database. Raises ``NotEmpty``.

    Until the commit, no other process sees them, or can make tables.
    """
    refuse_tables(connection)
    _create_lock(connection.engine)
    _lock(connection)
    refuse_tables(connection)
    with _configured(connection) as config:
        _make_tables(config)


def refuse_tables(connection: Connection) -> None:
    """Reject a database with tables, except for the lock that an interrupted upgrade leaves. Raises ``NotEmpty``."""
    names = set(inspect(connection).get_table_names()) - {migration_lock.name}
    if names:
        raise NotEmpty(f"the database already has tables, such as {min(names)}")


def _make_tables(config: Config) -> None:
    command.upgrade(config, _FIRST)
    command.stamp(config, "head")


def _lock(connection: Connection) -> None:
    """Wait until no other process makes or upgrades the tables of a database on PostgreSQL."""
    from server.store.database import postgresql

    postgresql.take_time(connection)
    connection.execute(select(migration_lock.c.id).with_for_update()).all()
    postgresql.keep_settings(connection)


def refuse_revision(revision: str) -> None:
    """Raise ``UnknownRevision`` for tables that this program version cannot upgrade."""
    if revision < _OLDEST:
        raise UnknownRevision(
            f"the tables have revision {revision}, but this version can upgrade only from {_OLDEST} on; run"
            f" scamfeed init with the version of commit {_LAST_WITH_OLDER} first, then with this one"
        )
    with _configured() as config:
        if revision not in {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}:
            raise UnknownRevision(f"a newer version made the tables (revision {revision}); run that version")


def revisions(tx: Tx) -> tuple[str | None, str | None]:
    """Return the revision of the tables, and the revision that this program version needs."""
    with _configured() as config:
        needed = ScriptDirectory.from_config(config).get_current_head()
    return tx.exec_driver_sql("SELECT version_num FROM alembic_version").scalar(), needed


@contextmanager
def _configured(connection: Connection | None = None) -> Iterator[Config]:
    with as_file(files(__package__) / "migrations") as folder:
        config = Config()
        config.set_main_option("script_location", str(folder).replace("%", "%%"))
        config.attributes["connection"] = connection
        yield config


def _create_lock(engine: Engine) -> None:
    """Make one row to lock, if it is missing. On SQLite, BEGIN IMMEDIATE is the lock."""
    try:
        with engine.begin() as connection:
            connection.execute(CreateTable(migration_lock, if_not_exists=True))
            if connection.execute(select(migration_lock.c.id)).first() is None:
                connection.execute(insert(migration_lock).values(id=1))
    except IntegrityError:
        # Another process made it at the same moment.
        _create_lock(engine)
