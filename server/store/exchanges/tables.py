"""The tables of this folder, in the metadata that all tables share."""

from sqlalchemy import Column, Integer, PrimaryKeyConstraint, Table, Text

from server.store.release_tables import metadata
from server.store.tables import CLEANED

__all__ = ["exchange_makers", "metadata"]

# The partners that added an object to an exchange, if its created_by_ref does not name them.
exchange_makers = Table(
    "exchange_makers",
    metadata,
    Column("collection", Integer, nullable=False),
    Column("object_id", Text, nullable=False, info=CLEANED),
    Column("partner", Text, nullable=False, info=CLEANED),
    PrimaryKeyConstraint("collection", "object_id", "partner"),
)
