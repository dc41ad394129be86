"""The tables of the exchange with other hubs, in the metadata that all tables share.

An origin is the name of the key with which a hub signs. A stream is ``open``, or the identity of the hub that it is
for.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    text,
)

from server.store.tables import APART, CLEANED, STAYS, metadata

# The newest version of each hub report, also of this hub's own.
hub_reports = Table(
    "hub_reports",
    metadata,
    Column("origin", Text, nullable=False, info=STAYS),
    Column("stream", Text, nullable=False, info=STAYS),
    Column("id", Text, nullable=False, info=STAYS),
    Column("number", BigInteger, nullable=False),
    # The value, by its name in the index; empty for a tombstone.
    Column("subject", Text, nullable=False, info=CLEANED),
    # The signed object as received or published.
    Column("body", LargeBinary, nullable=False, info=APART),
    # The peer that delivered it; empty for this hub's own.
    Column("peer", Text, nullable=False, info=STAYS),
    Column("received", BigInteger, nullable=False),
    # 0: it counts; 1: it is empty; 2: this hub's guard holds it, and only its protections count; 3: it has an unknown
    # version; 4: it waits for a review, and nothing of it counts.
    Column("state", SmallInteger, nullable=False),
    # When the last part of this hub's own report ends; NULL: empty, or another hub's.
    Column("ends", BigInteger),
    PrimaryKeyConstraint("origin", "stream", "id"),
)

Index("ix_hub_reports_subject", hub_reports.c.subject)
Index("ix_hub_reports_number", hub_reports.c.origin, hub_reports.c.stream, hub_reports.c.number)
Index(
    "ix_hub_reports_ends",
    hub_reports.c.ends,
    sqlite_where=text("ends IS NOT NULL"),
    postgresql_where=text("ends IS NOT NULL"),
)

# The newest head of each stream.
hub_heads = Table(
    "hub_heads",
    metadata,
    Column("origin", Text, nullable=False, info=STAYS),
    Column("stream", Text, nullable=False, info=STAYS),
    Column("number", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False, info=APART),
    Column("peer", Text, nullable=False, info=STAYS),
    Column("received", BigInteger, nullable=False),
    # The number of the last head whose set was complete here.
    Column("completed", BigInteger, nullable=False, server_default=text("0")),
    PrimaryKeyConstraint("origin", "stream"),
)

# The running count and digest of each stream's stored reports.
hub_sets = Table(
    "hub_sets",
    metadata,
    Column("origin", Text, nullable=False, info=STAYS),
    Column("stream", Text, nullable=False, info=STAYS),
    # All rows, and those that are not empty, with the sum of their digests.
    Column("stored", BigInteger, nullable=False),
    Column("reports", BigInteger, nullable=False),
    Column("sum", LargeBinary, nullable=False, info=APART),
    PrimaryKeyConstraint("origin", "stream"),
)

# The peers whose set of a stream is not the one that its newest head signs.
hub_gaps = Table(
    "hub_gaps",
    metadata,
    Column("peer", Text, nullable=False, info=STAYS),
    Column("origin", Text, nullable=False, info=STAYS),
    Column("stream", Text, nullable=False, info=STAYS),
    Column("since", BigInteger, nullable=False),
    PrimaryKeyConstraint("peer", "origin", "stream"),
)

# The new reports that each peer delivered.
hub_deliveries = Table(
    "hub_deliveries",
    metadata,
    Column("peer", Text, nullable=False, info=STAYS),
    Column("origin", Text, nullable=False, info=STAYS),
    Column("reports", BigInteger, nullable=False),
    Column("last", BigInteger, nullable=False),
    PrimaryKeyConstraint("peer", "origin"),
)

hub_origins = Table(
    "hub_origins",
    metadata,
    Column("origin", Text, primary_key=True, info=STAYS),
    # The STIX identity of the hub, and the keys that its heads announce; NULL until learned.
    Column("identity", Text, info=STAYS),
    Column("next_key", Text, info=STAYS),
    Column("recovery_key", Text, info=STAYS),
    # Words, separated by blanks.
    Column("state", Text, nullable=False, server_default="", info=STAYS),
    Column("since", BigInteger, nullable=False),
)

# Refused objects, by the peer that sent them.
hub_refusals = Table(
    "hub_refusals",
    metadata,
    Column("peer", Text, nullable=False, info=STAYS),
    Column("origin", Text, nullable=False, info=STAYS),
    Column("reason", Text, nullable=False, info=STAYS),
    Column("count", BigInteger, nullable=False),
    Column("last", BigInteger, nullable=False),
    # The id of one of them.
    Column("example", Text, nullable=False, info=STAYS),
    PrimaryKeyConstraint("peer", "origin", "reason"),
)

# Pairs of signed bodies with the same number.
hub_contradictions = Table(
    "hub_contradictions",
    metadata,
    Column("origin", Text, nullable=False, info=STAYS),
    Column("number", BigInteger, nullable=False),
    Column("first", LargeBinary, nullable=False, info=APART),
    Column("second", LargeBinary, nullable=False, info=APART),
    Column("peer", Text, nullable=False, info=STAYS),
    Column("received", BigInteger, nullable=False),
    # When a person decided; NULL: open.
    Column("decided", BigInteger),
    PrimaryKeyConstraint("origin", "number"),
)

# Values to look at again: to release anew and then publish, or only to publish this hub's own report.
hub_pending = Table(
    "hub_pending",
    metadata,
    Column("subject", Text, primary_key=True, info=CLEANED),
    Column("release", Boolean, nullable=False),
    # Distinguishes a change that arrives while an earlier one is being published.
    Column("noted", BigInteger, nullable=False),
)

# The secrets by which organisations link their memberships at several hubs.
partner_links = Table(
    "partner_links",
    metadata,
    # The organisation, by the key that its partners count as.
    Column("partner", Text, primary_key=True, info=CLEANED),
    Column("secret", LargeBinary, nullable=False, info=CLEANED),
    Column("created", BigInteger, nullable=False),
)

# What this hub signs as an origin: one row.
hub_publishing = Table(
    "hub_publishing",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    # The largest number that it gave, in all streams.
    Column("number", BigInteger, nullable=False),
    # When it last signed heads; 0: it has to sign new ones, with new numbers. The public key with which it signs.
    Column("signed", BigInteger, nullable=False),
    Column("key", Text, nullable=False, info=APART),
    # The rotation of the key as heads announce it, as JSON; empty: none.
    Column("handover", Text, nullable=False, server_default="", info=APART),
    # The announced end of the hub; NULL: none.
    Column("ends", BigInteger),
)
