"""The tables of this folder, in the metadata that all tables share."""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, LargeBinary, PrimaryKeyConstraint, Table, Text

from server.store.release_tables import metadata

__all__ = ["metadata", "outcome_records", "outcome_totals"]

# The totals of each outcome in the inbox that states some, by its key there. Days are counted from 1970-01-01.
outcome_records = Table(
    "outcome_records",
    metadata,
    Column("key", Text, primary_key=True),
    Column("partner", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    # A keyed digest of what it is about: records of one partner with the same one may state the same again.
    Column("about", LargeBinary, nullable=False),
    Column("referenced", Boolean, nullable=False),
    Column("kind", Text, nullable=False),
    Column("scam_type", Text, nullable=False),
    Column("country", Text, nullable=False),
    Column("day", Integer, nullable=False),
    Column("first_day", Integer),
    Column("last_day", Integer),
    Column("number", BigInteger),
    Column("victims", BigInteger),
    # In digits: no database sums it exactly.
    Column("amount", Text),
    Column("currency", Text, nullable=False),
    Column("stated", BigInteger, nullable=False),
    # False: another record states the same again, and that one counts.
    Column("counted", Boolean, nullable=False),
    Index("ix_outcome_records_partner", "partner", "about"),
    Index("ix_outcome_records_day", "day"),
)

# The sums of the records that count.
outcome_totals = Table(
    "outcome_totals",
    metadata,
    Column("day", Integer, nullable=False),
    Column("partner", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("scam_type", Text, nullable=False),
    Column("country", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("records", BigInteger, nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("victims", BigInteger, nullable=False),
    Column("amount", Text, nullable=False),
    PrimaryKeyConstraint("day", "partner", "outcome", "kind", "scam_type", "country", "currency"),
    Index("ix_outcome_totals_partner", "partner", "day"),
)
