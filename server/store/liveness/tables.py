"""The tables of this folder, in the metadata that all tables share."""

from sqlalchemy import BigInteger, Boolean, Column, Integer, LargeBinary, PrimaryKeyConstraint, Table, Text

from server.store.release_tables import metadata

__all__ = ["activity", "heartbeats", "metadata", "silences", "verifications"]

# When each part of the hub last showed that it works, by the database's clock.
heartbeats = Table(
    "heartbeats",
    metadata,
    Column("part", Text, primary_key=True),
    Column("at", BigInteger, nullable=False),
)

# What each push's peer answered when it was asked to show that deliveries reach it.
verifications = Table(
    "verifications",
    metadata,
    Column("feed", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    # The words that the peer may send back.
    Column("state", Text, nullable=False),
    Column("answer", Text, nullable=False),
    Column("well", Boolean, nullable=False),
    PrimaryKeyConstraint("feed", "at"),
)

# The hours (since the epoch) in which a partner contributed, a feed brought something, or a collection grew.
activity = Table(
    "activity",
    metadata,
    Column("what", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("hour", Integer, nullable=False),
    PrimaryKeyConstraint("what", "name", "hour"),
)

# Who is quiet for longer than usual: since when, what is usual (microseconds), when that was found, and which feeds
# have alerted people, as JSON.
silences = Table(
    "silences",
    metadata,
    Column("what", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("usual", BigInteger, nullable=False),
    Column("found", BigInteger, nullable=False),
    Column("told", LargeBinary, nullable=False, key="alerted"),
    PrimaryKeyConstraint("what", "name"),
)
