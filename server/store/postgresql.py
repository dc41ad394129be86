"""Settings of each new connection to PostgreSQL; imported only where that is the database."""

from typing import Any

from psycopg import Connection, Cursor, DatabaseError
from psycopg.pq import Format


class BinaryCursor(Cursor[Any]):
    """Fetches rows in binary: a body is neither written in hexadecimal nor read from it."""

    def __init__(self, *arguments: Any, **more: Any) -> None:
        """Open a cursor as any other, for binary results."""
        super().__init__(*arguments, **more)
        self.format = Format.BINARY


def configure(connection: Connection[Any], _record: Any) -> None:
    """Prepare a new connection, before its first query."""
    connection.cursor_factory = BinaryCursor
    try:
        # Until it has counted a table that grew, PostgreSQL would fetch and sort a whole collection for each page, and
        # go through the whole value index for a few rows.
        for way in ("enable_bitmapscan", "enable_seqscan"):
            connection.execute("SELECT set_config(%s, 'off', false)", (way,))
        connection.commit()
    except DatabaseError:
        # A database that speaks PostgreSQL's protocol, and plans by other rules.
        connection.rollback()
