"""The tables of private matching: rights, seeds, and the sets of tags and rows by collection and key."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    text,
)

from server.store.tables import CLEANED, ROW, metadata

# The partners that may match values against a collection. They need no right to read it.
match_grants = Table(
    "match_grants",
    metadata,
    Column("partner", Text, ForeignKey("partners.name"), nullable=False, info=CLEANED),
    Column("collection", Integer, ForeignKey("collections.number"), nullable=False),
    # The version of the set when the right began. Rows removed earlier are hidden from the partner.
    Column("since", BigInteger, nullable=False, server_default=text("0")),
    PrimaryKeyConstraint("partner", "collection"),
)

# The seeds used so far, in order. The highest generation is the current one.
match_seeds = Table(
    "match_seeds",
    metadata,
    Column("generation", Integer, autoincrement=False, primary_key=True),
    # A public key derived from the seed for this purpose. It identifies the seed without revealing it.
    Column("public", LargeBinary, nullable=False, unique=True, info=CLEANED),
)

# The set of a collection under the key of an epoch.
match_sets = Table(
    "match_sets",
    metadata,
    Column("collection", Integer, ForeignKey("collections.number"), nullable=False),
    Column("epoch", Integer, nullable=False),
    # A digest of the public key. A set made with another seed is invalid.
    Column("public", LargeBinary, nullable=False, info=CLEANED),
    # The served version (microseconds); 0 before the set is complete for the first time.
    Column("version", BigInteger, nullable=False),
    # The oldest version since which the changes are known.
    Column("kept_from", BigInteger, nullable=False),
    # The date_added up to which the log is read.
    Column("read_up_to", BigInteger, nullable=False),
    # Rows changed since the served version.
    Column("changed", Boolean, nullable=False),
    # When the set last matched the log.
    Column("issued", BigInteger, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("bits", SmallInteger, nullable=False),
    Column("sha256", LargeBinary, nullable=False, info=CLEANED),
    # The process that reads the log now, and its deadline.
    Column("holder", Text, nullable=False, info=CLEANED),
    Column("until", BigInteger, nullable=False),
    PrimaryKeyConstraint("collection", "epoch"),
)

# For each listed value, data that only its own function output decrypts. Nothing here can be computed from a value
# alone.
match_rows = Table(
    "match_rows",
    metadata,
    Column("collection", Integer, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("name", LargeBinary, nullable=False, info=ROW),
    Column("sealed", LargeBinary, nullable=False, info=ROW),
    # The end of the listing (microseconds); NULL: it does not expire.
    Column("ends", BigInteger),
    # The versions in which it was added and removed; NULL: it is still present.
    Column("added", BigInteger, nullable=False),
    Column("removed", BigInteger),
    PrimaryKeyConstraint("collection", "epoch", "name"),
)

Index("ix_match_rows_added", match_rows.c.collection, match_rows.c.epoch, match_rows.c.added)
Index(
    "ix_match_rows_removed",
    match_rows.c.collection,
    match_rows.c.epoch,
    match_rows.c.removed,
    sqlite_where=text("removed IS NOT NULL"),
    postgresql_where=text("removed IS NOT NULL"),
)
Index(
    "ix_match_rows_ends",
    match_rows.c.collection,
    match_rows.c.epoch,
    match_rows.c.ends,
    sqlite_where=text("removed IS NULL AND ends IS NOT NULL"),
    postgresql_where=text("removed IS NULL AND ends IS NOT NULL"),
)

# The use of a quota by all partners together since ``began``.
shared_quotas = Table(
    "shared_quotas",
    metadata,
    Column("unit", Text, primary_key=True, info=CLEANED),
    Column("began", BigInteger, nullable=False),
    Column("used", BigInteger, nullable=False),
)
