"""The table of this folder, in the metadata that all tables share."""

from sqlalchemy import BigInteger, Column, LargeBinary, Table, Text

from server.store.tables import metadata

__all__ = ["feed_orders", "metadata"]

# What a person ordered of a feed last, and what became of it: one row a feed.
feed_orders = Table(
    "feed_orders",
    metadata,
    Column("feed", Text, primary_key=True),
    Column("action", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("asked", BigInteger, nullable=False),
    # When a schedule began with it, and ended.
    Column("begun", BigInteger),
    Column("ended", BigInteger),
    # Counts, reasons and the error, as JSON; never a value.
    Column("result", LargeBinary),
)
