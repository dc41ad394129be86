"""The tables of this folder, in the metadata that all tables share."""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, LargeBinary, PrimaryKeyConstraint, Table, Text

from server.store.release_tables import metadata
from server.store.tables import CLEANED

__all__ = ["metadata", "outcome_records", "outcome_totals"]

# The totals of each outcome in the inbox that states some, by inbox key. Days are counted from 1970-01-01.
outcome_records = Table(
    "outcome_records",
    metadata,
    Column("key", Text, primary_key=True, info=CLEANED),
    Column("partner", Text, nullable=False, info=CLEANED),
    Column("outcome", Text, nullable=False, info=CLEANED),
    # A keyed digest of the subject. Records of one partner with the same one may be repetitions.
    Column("about", LargeBinary, nullable=False, info=CLEANED),
    Column("referenced", Boolean, nullable=False),
    Column("kind", Text, nullable=False, info=CLEANED),
    Column("scam_type", Text, nullable=False, info=CLEANED),
    Column("country", Text, nullable=False, info=CLEANED),
    Column("day", Integer, nullable=False),
    Column("first_day", Integer),
    Column("last_day", Integer),
    Column("number", BigInteger),
    Column("victims", BigInteger),
    # As decimal digits, because databases do not sum it exactly.
    Column("amount", Text, info=CLEANED),
    Column("currency", Text, nullable=False, info=CLEANED),
    Column("stated", BigInteger, nullable=False),
    # False: another record repeats this one and counts instead.
    Column("counted", Boolean, nullable=False),
    Index("ix_outcome_records_partner", "partner", "about"),
    Index("ix_outcome_records_day", "day"),
)

# The sums of the counted records.
outcome_totals = Table(
    "outcome_totals",
    metadata,
    Column("day", Integer, nullable=False),
    Column("partner", Text, nullable=False, info=CLEANED),
    Column("outcome", Text, nullable=False, info=CLEANED),
    Column("kind", Text, nullable=False, info=CLEANED),
    Column("scam_type", Text, nullable=False, info=CLEANED),
    Column("country", Text, nullable=False, info=CLEANED),
    Column("currency", Text, nullable=False, info=CLEANED),
    Column("records", BigInteger, nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("victims", BigInteger, nullable=False),
    Column("amount", Text, nullable=False, info=CLEANED),
    PrimaryKeyConstraint("day", "partner", "outcome", "kind", "scam_type", "country", "currency"),
    Index("ix_outcome_totals_partner", "partner", "day"),
)
