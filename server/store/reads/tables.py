"""The tables of this folder, in the metadata that all tables share."""

from sqlalchemy import BigInteger, Column, Index, PrimaryKeyConstraint, Table, Text

from server.store.release_tables import metadata
from server.store.tables import CLEANED

__all__ = ["metadata", "read_steps"]

# When (microseconds) a partner had first read a collection up to a date_added.
read_steps = Table(
    "read_steps",
    metadata,
    Column("collection", Text, nullable=False, info=CLEANED),
    Column("partner", Text, nullable=False, info=CLEANED),
    Column("read_up_to", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    # The sort of credential, and its id. NULL if unknown.
    Column("login_by", Text, info=CLEANED),
    Column("login", Text, info=CLEANED),
    PrimaryKeyConstraint("collection", "partner", "read_up_to"),
    Index("ix_read_steps_at", "at"),
)
