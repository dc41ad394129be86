"""The tables of this folder, in the metadata that all tables share."""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, PrimaryKeyConstraint, SmallInteger, Table, Text

from server.store.release_tables import metadata
from server.store.tables import CLEANED, NAME

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

# The aggregated place of each log, and the number of the last step. Each step increments it from the previous one.
trend_progress = Table(
    "trend_progress",
    metadata,
    Column("name", Text, primary_key=True, info=CLEANED),
    Column("place", BigInteger, nullable=False),
)

# Figures by day (days since the epoch, UTC). The total has the empty dimension and the empty word.
trend_counts = Table(
    "trend_counts",
    metadata,
    Column("figure", Text, nullable=False, info=CLEANED),
    Column("dimension", Text, nullable=False, info=CLEANED),
    Column("day", Integer, nullable=False),
    Column("word", Text, nullable=False, info=CLEANED),
    Column("count", BigInteger, nullable=False),
    PrimaryKeyConstraint("figure", "dimension", "day", "word"),
)

# The organisations that contributed to a figure, until its month is published.
trend_contributors = Table(
    "trend_contributors",
    metadata,
    Column("day", Integer, nullable=False),
    Column("figure", Text, nullable=False, info=CLEANED),
    Column("dimension", Text, nullable=False, info=CLEANED),
    Column("word", Text, nullable=False, info=CLEANED),
    Column("organisation", Text, nullable=False, info=CLEANED),
    Column("count", BigInteger, nullable=False),
    PrimaryKeyConstraint("day", "figure", "dimension", "word", "organisation"),
)

# Durations by day, in buckets that grow by some percent each.
trend_durations = Table(
    "trend_durations",
    metadata,
    Column("figure", Text, nullable=False, info=CLEANED),
    Column("dimension", Text, nullable=False, info=CLEANED),
    Column("day", Integer, nullable=False),
    Column("word", Text, nullable=False, info=CLEANED),
    Column("bucket", SmallInteger, nullable=False),
    Column("count", BigInteger, nullable=False),
    PrimaryKeyConstraint("figure", "dimension", "day", "word", "bucket"),
)

# New listings that are not yet read, by collection and date_added (milliseconds).
trend_unread = Table(
    "trend_unread",
    metadata,
    Column("log", Integer, nullable=False),
    Column("added", BigInteger, nullable=False),
    Column("kind", Text, nullable=False, info=NAME),
    # One per line.
    Column("organisations", Text, nullable=False, info=NAME),
    Column("count", BigInteger, nullable=False),
    PrimaryKeyConstraint("log", "added", "kind", "organisations"),
)

# Delistings with open questions: whether the listing was wrong, and whether every reader knows.
trend_delistings = Table(
    "trend_delistings",
    metadata,
    Column("object_id", Text, nullable=False, info=NAME),
    Column("log", Integer, nullable=False),
    # When it was delisted, and how long it was listed (microseconds).
    Column("revoked", BigInteger, nullable=False),
    Column("listed", BigInteger, nullable=False),
    Column("kind", Text, nullable=False, info=NAME),
    Column("organisations", Text, nullable=False, info=NAME),
    # Bits: the open questions.
    Column("open", SmallInteger, nullable=False),
    # The step that last examined it.
    Column("looked", BigInteger, nullable=False),
    PrimaryKeyConstraint("object_id", "log", "revoked"),
    Index("ix_trend_delistings_looked", "looked"),
)

# Listings about which an action was stated.
trend_acted = Table(
    "trend_acted",
    metadata,
    Column("object_id", Text, primary_key=True, info=NAME),
)

# Findings and answers to objections, until they are aggregated. Only the kind of the value is stored.
trend_answers = Table(
    "trend_answers",
    metadata,
    # The target: a listing or an objection.
    Column("to", Text, nullable=False, info=NAME),
    Column("kind", Text, nullable=False, info=NAME),
    Column("answer", Text, nullable=False, info=NAME),
    Column("began", BigInteger, nullable=False),
    # NULL: the time that all providers have.
    Column("due", BigInteger),
    Column("ended", BigInteger, nullable=False),
    # The provider's organisation, and those that openly reported the value, one per line.
    Column("organisation", Text, nullable=False, info=NAME),
    Column("organisations", Text, nullable=False, info=NAME),
    Column("is_open", Boolean, nullable=False),
    Column("is_first", Boolean, nullable=False),
    Column("is_wrong", Boolean, nullable=False),
    Column("id", Text, primary_key=True, info=NAME),
)

# Outcomes shared by partners, by inbox key, about listings that all readers of a collection see.
trend_open_outcomes = Table(
    "trend_open_outcomes",
    metadata,
    Column("key", Text, primary_key=True, info=NAME),
)

# Public figures of closed days (span 0) and months (span 1, by their first day). Never changed.
trend_published = Table(
    "trend_published",
    metadata,
    Column("span", SmallInteger, nullable=False),
    Column("day", Integer, nullable=False),
    Column("figure", Text, nullable=False, info=CLEANED),
    Column("dimension", Text, nullable=False, info=CLEANED),
    Column("word", Text, nullable=False, info=CLEANED),
    Column("measure", Text, nullable=False, info=CLEANED),
    Column("value", BigInteger, nullable=False),
    PrimaryKeyConstraint("span", "day", "figure", "dimension", "word", "measure"),
)

# Each organisation's contributions, by kind and by the month (its first day) of its first report of the value.
source_counts = Table(
    "source_counts",
    metadata,
    Column("organisation", Text, nullable=False, info=CLEANED),
    Column("kind", Text, nullable=False, info=CLEANED),
    Column("month", Integer, nullable=False),
    Column("figure", Text, nullable=False, info=CLEANED),
    Column("count", BigInteger, nullable=False),
    PrimaryKeyConstraint("organisation", "kind", "month", "figure"),
)
