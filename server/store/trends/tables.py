"""The tables of this folder, in the metadata that all tables share."""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, PrimaryKeyConstraint, SmallInteger, Table, Text

from server.store.release_tables import metadata

__all__ = [
    "metadata",
    "source_counts",
    "trend_acted",
    "trend_answers",
    "trend_contributors",
    "trend_counts",
    "trend_delistings",
    "trend_durations",
    "trend_open_outcomes",
    "trend_progress",
    "trend_published",
    "trend_unread",
]

# How far each log is folded; and the number of the last step, which each step takes from the one before.
trend_progress = Table(
    "trend_progress",
    metadata,
    Column("name", Text, primary_key=True),
    Column("place", BigInteger, nullable=False),
)

# Figures by day (days since the epoch, UTC). The total has the empty dimension and the empty word.
trend_counts = Table(
    "trend_counts",
    metadata,
    Column("figure", Text, nullable=False),
    Column("dimension", Text, nullable=False),
    Column("day", Integer, nullable=False),
    Column("word", Text, nullable=False),
    Column("count", BigInteger, nullable=False),
    PrimaryKeyConstraint("figure", "dimension", "day", "word"),
)

# By which organisations a figure came about, until its month is published.
trend_contributors = Table(
    "trend_contributors",
    metadata,
    Column("day", Integer, nullable=False),
    Column("figure", Text, nullable=False),
    Column("dimension", Text, nullable=False),
    Column("word", Text, nullable=False),
    Column("organisation", Text, nullable=False),
    Column("count", BigInteger, nullable=False),
    PrimaryKeyConstraint("day", "figure", "dimension", "word", "organisation"),
)

# Durations by day, in buckets of which each is some percent longer than the one before.
trend_durations = Table(
    "trend_durations",
    metadata,
    Column("figure", Text, nullable=False),
    Column("dimension", Text, nullable=False),
    Column("day", Integer, nullable=False),
    Column("word", Text, nullable=False),
    Column("bucket", SmallInteger, nullable=False),
    Column("count", BigInteger, nullable=False),
    PrimaryKeyConstraint("figure", "dimension", "day", "word", "bucket"),
)

# New listings that nobody has read yet, by collection and date_added (milliseconds).
trend_unread = Table(
    "trend_unread",
    metadata,
    Column("log", Integer, nullable=False),
    Column("added", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    # One a line.
    Column("organisations", Text, nullable=False),
    Column("count", BigInteger, nullable=False),
    PrimaryKeyConstraint("log", "added", "kind", "organisations"),
)

# Listings that were taken back of which it is not known yet whether they were wrong, or whether every reader knows.
trend_delistings = Table(
    "trend_delistings",
    metadata,
    Column("object_id", Text, nullable=False),
    Column("log", Integer, nullable=False),
    # When it was taken back, and for how long it was listed (microseconds).
    Column("revoked", BigInteger, nullable=False),
    Column("listed", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("organisations", Text, nullable=False),
    # Bits: what is still to be found out.
    Column("open", SmallInteger, nullable=False),
    # The step that looked at it last.
    Column("looked", BigInteger, nullable=False),
    PrimaryKeyConstraint("object_id", "log", "revoked"),
    Index("ix_trend_delistings_looked", "looked"),
)

# Listings about which an action was stated.
trend_acted = Table(
    "trend_acted",
    metadata,
    Column("object_id", Text, primary_key=True),
)

# Answers of keepers and to objections, until they are folded; nothing about the value but its kind.
trend_answers = Table(
    "trend_answers",
    metadata,
    # What is answered: a listing, or an objection.
    Column("to", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("answer", Text, nullable=False),
    Column("began", BigInteger, nullable=False),
    # NULL: the time is that which all keepers have.
    Column("due", BigInteger),
    Column("ended", BigInteger, nullable=False),
    # Of the keeper; and those that reported the value openly, one a line.
    Column("organisation", Text, nullable=False),
    Column("organisations", Text, nullable=False),
    Column("is_open", Boolean, nullable=False),
    Column("is_first", Boolean, nullable=False),
    Column("is_wrong", Boolean, nullable=False),
    Column("id", Text, primary_key=True),
)

# Outcomes, by their keys in the inbox, that partners shared, about listings that all readers of a collection see.
trend_open_outcomes = Table(
    "trend_open_outcomes",
    metadata,
    Column("key", Text, primary_key=True),
)

# What anybody may see of closed days (span 0) and months (span 1, by their first day); never changed.
trend_published = Table(
    "trend_published",
    metadata,
    Column("span", SmallInteger, nullable=False),
    Column("day", Integer, nullable=False),
    Column("figure", Text, nullable=False),
    Column("dimension", Text, nullable=False),
    Column("word", Text, nullable=False),
    Column("measure", Text, nullable=False),
    Column("value", BigInteger, nullable=False),
    PrimaryKeyConstraint("span", "day", "figure", "dimension", "word", "measure"),
)

# What each organisation brought, by kind and by the month (its first day) of its first report of the value.
source_counts = Table(
    "source_counts",
    metadata,
    Column("organisation", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("month", Integer, nullable=False),
    Column("figure", Text, nullable=False),
    Column("count", BigInteger, nullable=False),
    PrimaryKeyConstraint("organisation", "kind", "month", "figure"),
)
