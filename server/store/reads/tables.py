"""The tables of this folder, in the metadata that all tables share."""

from sqlalchemy import BigInteger, Column, Index, PrimaryKeyConstraint, Table, Text

from server.store.release_tables import metadata

__all__ = ["metadata", "read_steps"]

# By when (microseconds) a partner had read a collection up to a date_added: a row a minute in which it read further.
read_steps = Table(
    "read_steps",
    metadata,
    Column("collection", Text, nullable=False),
    Column("partner", Text, nullable=False),
    Column("read_up_to", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    # By which credential: what it is, and its id. NULL where that is not known.
    Column("login_by", Text),
    Column("login", Text),
    PrimaryKeyConstraint("collection", "partner", "read_up_to"),
    Index("ix_read_steps_at", "at"),
)
