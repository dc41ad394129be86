"""The database's clock: the one time that all nodes on it agree about."""

from sqlalchemy import text

from server.store.store import Tx

_SQLITE = text("SELECT CAST(ROUND((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER) * 1000")
# Not now(), which is the moment the transaction began.
_POSTGRESQL = text("SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)")


def now(tx: Tx) -> int:
    """Ask the database what time it is, in microseconds since the epoch."""
    moment: int = tx.execute(_SQLITE if tx.dialect.name == "sqlite" else _POSTGRESQL).scalar_one()
    return moment
