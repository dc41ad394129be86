"""The table of this folder, in the metadata that all tables share."""

from sqlalchemy import BigInteger, Column, Index, Table, Text

from server.store.release_tables import metadata

__all__ = ["metadata", "referrals"]

# A referral names a listing, a focal point and closed words: nothing of the person has a column, on purpose.
referrals = Table(
    "referrals",
    metadata,
    Column("id", Text, primary_key=True),
    # The id of the listing.
    Column("listing", Text, nullable=False),
    # The partner that has the focal point; empty: the hub's own.
    Column("referred_to", Text, nullable=False),
    # The partner that referred, and the person at this hub who wrote it down.
    Column("partner", Text),
    Column("referred_by", Text, nullable=False),
    Column("referred", BigInteger, nullable=False),
    Column("answer", Text),
    Column("answered", BigInteger),
    Column("answered_by", Text),
    Index("ix_referrals_answered", "answered", "referred"),
)
