"""Make stores in a test process faster: no waiting for the disk, and no repeated compilation.

Each test has a store, and each store an SQLAlchemy engine that compiles every statement it sees. Here all engines of
one kind share compiled statements. These tests are not about power failures of a disk.
"""

from typing import Any

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.engine import Dialect, create_engine
from sqlalchemy.util import LRUCache

from server.store.database import engine
from server.store.objects import text_keys

_STATEMENTS: LRUCache[Any, Any] = LRUCache(4_000)

# One pass over minimal memory: a fiftieth of the time. A hash contains its parameters, so any hasher can verify it.
QUICK_PASSWORDS = PasswordHash((Argon2Hasher(memory_cost=8, time_cost=1, parallelism=1),))


def make_quick() -> None:
    """Make the stores of this process quick."""
    configure = engine._configure_sqlite

    def configured(connection: Any, record: Any) -> None:
        configure(connection, record)
        connection.execute("PRAGMA synchronous=OFF").close()

    engine._configure_sqlite = configured
    # Each store publishes an extension definition of thousands of words, with the same keys in all copies of a store.
    text_keys._LONGEST = 100_000
    share_statements()


def share_statements() -> None:
    """Let all stores of this process share compiled statements."""

    def created(*given: Any, **more: Any) -> Any:
        made = create_engine(*given, **more)
        made._compiled_cache = _STATEMENTS
        return made

    engine.create_engine = created
    # A cached statement keeps the dialect it was compiled for. Dialects of one class are identical here.
    for dialect in (SQLiteDialect_pysqlite, PGDialect_psycopg):
        dialect.__eq__ = _is_alike
        dialect.__hash__ = _hash_of_class


def _is_alike(one: Dialect, other: object) -> bool:
    return type(one) is type(other)


def _hash_of_class(dialect: Dialect) -> int:
    return hash(type(dialect))
