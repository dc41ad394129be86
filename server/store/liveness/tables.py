"""The tables of this folder, in the metadata that all tables share."""

from sqlalchemy import BigInteger, Boolean, Column, Integer, LargeBinary, PrimaryKeyConstraint, Table, Text

from server.store.release_tables import metadata
from server.store.tables import CLEANED

__all__ = ["activity", "heartbeats", "metadata", "silences", "verifications"]

# When each part of the hub last worked, by the database's clock.
heartbeats = Table(
    "heartbeats",
    metadata,
    Column("part", Text, primary_key=True, info=CLEANED),
    Column("at", BigInteger, nullable=False),
)

# The answer of each push's peer to a verification that deliveries reach it.
verifications = Table(
    "verifications",
    metadata,
    Column("feed", Text, nullable=False, info=CLEANED),
    Column("at", BigInteger, nullable=False),
    # The words that the peer may send back.
    Column("state", Text, nullable=False, info=CLEANED),
    Column("answer", Text, nullable=False, info=CLEANED),
    Column("well", Boolean, nullable=False),
    PrimaryKeyConstraint("feed", "at"),
)

# The hours (since the epoch) in which a partner contributed, a feed delivered items, or a collection grew.
activity = Table(
    "activity",
    metadata,
    Column("what", Text, nullable=False, info=CLEANED),
    Column("name", Text, nullable=False, info=CLEANED),
    Column("hour", Integer, nullable=False),
    PrimaryKeyConstraint("what", "name", "hour"),
)

# Current silences: since when, the usual pause (microseconds), when it was found, and the feeds that have alerted
# people, as JSON.
silences = Table(
    "silences",
    metadata,
    Column("what", Text, nullable=False, info=CLEANED),
    Column("name", Text, nullable=False, info=CLEANED),
    Column("since", BigInteger, nullable=False),
    Column("usual", BigInteger, nullable=False),
    Column("found", BigInteger, nullable=False),
    Column("told", LargeBinary, nullable=False, key="alerted", info=CLEANED),
    PrimaryKeyConstraint("what", "name"),
)
