"""What a store in a test's own process need not do as the product does it: wait for the disk, and compile anew.

Each test has a store, and each store an engine of SQLAlchemy, which compiles every statement that it meets. Here all
engines of one kind share what they compiled. A disk that loses its power is not what these tests are about.
"""

from typing import Any

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.engine import Dialect, create_engine
from sqlalchemy.util import LRUCache

from server.store.database import engine

_STATEMENTS: LRUCache[Any, Any] = LRUCache(4_000)

# One pass over the least memory: a fiftieth of the time. A hash says how it was made, so that any hasher verifies it.
QUICK_PASSWORDS = PasswordHash((Argon2Hasher(memory_cost=8, time_cost=1, parallelism=1),))


def make_quick() -> None:
    """Make the stores of this process quick."""
    configure = engine._configure_sqlite

    def configured(connection: Any, record: Any) -> None:
        configure(connection, record)
        connection.execute("PRAGMA synchronous=OFF").close()

    def created(*given: Any, **more: Any) -> Any:
        made = create_engine(*given, **more)
        made._compiled_cache = _STATEMENTS
        return made

    engine._configure_sqlite = configured
    engine.create_engine = created
    # A cached statement bears the dialect that it was compiled for; those of one class differ in nothing here.
    for dialect in (SQLiteDialect_pysqlite, PGDialect_psycopg):
        dialect.__eq__ = _is_alike
        dialect.__hash__ = _hash_of_class


def _is_alike(one: Dialect, other: object) -> bool:
    return type(one) is type(other)


def _hash_of_class(dialect: Dialect) -> int:
    return hash(type(dialect))
