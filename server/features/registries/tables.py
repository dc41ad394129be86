"""The tables of RDAP servers, and of listings that changed, in the metadata that all tables share."""

from sqlalchemy import BigInteger, Column, Index, PrimaryKeyConstraint, Table, Text

from server.store.tables import APART, CLEANED, ROW, metadata

__all__ = ["changed_listings", "metadata", "rdap_lists"]

# IANA's lists of RDAP servers (RFC 9224), as they were fetched: for names, and for addresses of both versions.
rdap_lists = Table(
    "rdap_lists",
    metadata,
    Column("name", Text, primary_key=True, info=CLEANED),
    Column("body", Text, nullable=False, info=APART),
    Column("fetched", BigInteger, nullable=False),
)

# Values whose listing changed, until each reader has looked at them. Written in the release transaction.
changed_listings = Table(
    "changed_listings",
    metadata,
    Column("reader", Text, nullable=False, info=CLEANED),
    Column("subject", Text, nullable=False, info=ROW),
    Column("noted", BigInteger, nullable=False),
    PrimaryKeyConstraint("reader", "subject"),
    Index("ix_changed_listings_noted", "reader", "noted"),
)
