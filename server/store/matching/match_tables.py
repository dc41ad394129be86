"""The tables of private matching: who may match, and the sets of tags and rows of each collection and key."""

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

from server.store.tables import metadata

# The partners that may match values against a collection, which they need not read.
match_grants = Table(
    "match_grants",
    metadata,
    Column("partner", Text, ForeignKey("partners.name"), nullable=False),
    Column("collection", Integer, ForeignKey("collections.number"), nullable=False),
    # The version of the set that was served when the right began: what went before is not for the partner.
    Column("since", BigInteger, nullable=False, server_default=text("0")),
    PrimaryKeyConstraint("partner", "collection"),
)

# The set of a collection under the key of an epoch.
match_sets = Table(
    "match_sets",
    metadata,
    Column("collection", Integer, ForeignKey("collections.number"), nullable=False),
    Column("epoch", Integer, nullable=False),
    # A digest of the public key: a set made with another seed is none.
    Column("public", LargeBinary, nullable=False),
    # The version that is served (microseconds); 0 before the set is whole for the first time.
    Column("version", BigInteger, nullable=False),
    # The oldest version from which the changes are known.
    Column("kept_from", BigInteger, nullable=False),
    # How far the log is read: its date_added.
    Column("read_up_to", BigInteger, nullable=False),
    # Rows changed since the version that is served.
    Column("changed", Boolean, nullable=False),
    # When the set was last known to be as the log is.
    Column("issued", BigInteger, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("bits", SmallInteger, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    # The process that reads the log just now, and until when it may.
    Column("holder", Text, nullable=False),
    Column("until", BigInteger, nullable=False),
    PrimaryKeyConstraint("collection", "epoch"),
)

# Of each listed value what only its own output of the function opens; nothing here can be computed from a value alone.
match_rows = Table(
    "match_rows",
    metadata,
    Column("collection", Integer, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("name", LargeBinary, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    # The end of the listing (microseconds); NULL: it has none.
    Column("ends", BigInteger),
    # The versions in which it came and went; NULL: it is still there.
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

# What all partners together have used of a quota since ``began``.
shared_quotas = Table(
    "shared_quotas",
    metadata,
    Column("unit", Text, primary_key=True),
    Column("began", BigInteger, nullable=False),
    Column("used", BigInteger, nullable=False),
)
