"""Migrations, run from inside the program."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import as_file, files

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, insert, select
from sqlalchemy.exc import IntegrityError

from server.store.tables import migration_lock


def upgrade(engine: Engine) -> None:
    """Run the migrations that ``engine``'s database lacks, all or none; a second process waits and finds none."""
    if engine.dialect.name != "sqlite":
        _make_gate(engine)
    with engine.connect().execution_options(scamfeed_writes=True) as connection, connection.begin():
        if engine.dialect.name != "sqlite":
            connection.execute(select(migration_lock.c.id).with_for_update()).all()
        _run(connection)


def revisions(connection: Connection) -> tuple[str | None, str | None]:
    """Say which revision the tables have, and which this version of the project needs."""
    with _configured(connection) as config:
        needed = ScriptDirectory.from_config(config).get_current_head()
    return MigrationContext.configure(connection).get_current_revision(), needed


def _run(connection: Connection) -> None:
    with _configured(connection) as config:
        command.upgrade(config, "head")


@contextmanager
def _configured(connection: Connection) -> Iterator[Config]:
    with as_file(files("server.store") / "migrations") as folder:
        config = Config()
        config.set_main_option("script_location", str(folder).replace("%", "%%"))
        config.attributes["connection"] = connection
        yield config


def _make_gate(engine: Engine) -> None:
    """Leave one row to lock, whoever comes first; on SQLite, BEGIN IMMEDIATE is the gate."""
    try:
        with engine.begin() as connection:
            migration_lock.create(connection, checkfirst=True)
            if connection.execute(select(migration_lock.c.id)).first() is None:
                connection.execute(insert(migration_lock).values(id=1))
    except IntegrityError:
        # Another process made it in the same moment.
        _make_gate(engine)
