"""The table of this folder, in the metadata that all tables share."""

from sqlalchemy import BigInteger, Column, LargeBinary, Table, Text

from server.store.tables import CLEANED, metadata

__all__ = ["feed_orders", "metadata"]

# The last order for each feed, and its result.
feed_orders = Table(
    "feed_orders",
    metadata,
    Column("feed", Text, primary_key=True, info=CLEANED),
    Column("action", Text, nullable=False, info=CLEANED),
    Column("by", Text, nullable=False, info=CLEANED),
    Column("asked", BigInteger, nullable=False),
    # When a schedule began to execute it, and when it ended.
    Column("begun", BigInteger),
    Column("ended", BigInteger),
    # Counts, reasons and the error, as JSON; never a value.
    Column("result", LargeBinary, info=CLEANED),
)
