"""``python -m benchmarks.release.statements FILE serve …``: run the program, and log each SQL statement in FILE.

For SQLite, which keeps no statistics: every call of the driver is logged on a line, including ``BEGIN`` and ``COMMIT``.
All rows of one call are one statement.
"""

import os
import sqlite3
import sys
from collections.abc import Callable
from typing import Any

_WIDTH = 120


def main() -> None:
    """Run the program of the command line with a driver that counts."""
    file = os.open(sys.argv.pop(1), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def note(statement: str) -> None:
        os.write(file, " ".join(statement.split())[:_WIDTH].encode() + b"\n")

    connect = sqlite3.connect
    counted = _counting(note)

    def connecting(*arguments: Any, **more: Any) -> sqlite3.Connection:
        return connect(*arguments, **{"factory": counted, **more})

    sqlite3.connect = sqlite3.dbapi2.connect = connecting  # type: ignore[assignment, attr-defined]
    from server.cli import main as program

    program()


def _counting(note: Callable[[str], None]) -> type[sqlite3.Connection]:
    class CountingCursor(sqlite3.Cursor):
        def execute(self, sql: str, *given: Any) -> sqlite3.Cursor:
            note(sql)
            return super().execute(sql, *given)

        def executemany(self, sql: str, *given: Any) -> sqlite3.Cursor:
            note(sql)
            return super().executemany(sql, *given)

    class CountingConnection(sqlite3.Connection):
        def cursor(self, factory: Any = None) -> Any:
            return super().cursor(CountingCursor)

        def execute(self, sql: str, *given: Any) -> sqlite3.Cursor:
            note(sql)
            return super().execute(sql, *given)

        def commit(self) -> None:
            if self.in_transaction:
                note("COMMIT")
            super().commit()

        def rollback(self) -> None:
            if self.in_transaction:
                note("ROLLBACK")
            super().rollback()

    return CountingConnection


if __name__ == "__main__":
    main()
