"""The table of this folder, in the metadata that all tables share."""

from sqlalchemy import BigInteger, Column, Index, Table, Text

from server.store.release_tables import metadata
from server.store.tables import CLEANED

__all__ = ["metadata", "referrals"]

# A referral names a listing, a focal point and fixed words. Deliberately, no column holds personal data.
referrals = Table(
    "referrals",
    metadata,
    Column("id", Text, primary_key=True, info=CLEANED),
    # The id of the listing.
    Column("listing", Text, nullable=False, info=CLEANED),
    # The partner of the focal point; empty: the hub's own.
    Column("referred_to", Text, nullable=False, info=CLEANED),
    # The referring partner, and the person at this hub who recorded it.
    Column("partner", Text, info=CLEANED),
    Column("referred_by", Text, nullable=False, info=CLEANED),
    Column("referred", BigInteger, nullable=False),
    Column("answer", Text, info=CLEANED),
    Column("answered", BigInteger),
    Column("answered_by", Text, info=CLEANED),
    Index("ix_referrals_answered", "answered", "referred"),
)
