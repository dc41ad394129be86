"""The tables of the release rules: who the hub is, what waits for a person, who has to learn what, who was right."""

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    text,
)

from server.store.tables import metadata

__all__ = [
    "calibrations",
    "delisted",
    "first_reads",
    "focal_points",
    "hub_identity",
    "listings",
    "metadata",
    "own_values",
    "private_objects",
    "published_ids",
    "receipts",
    "retractions",
    "reviews",
    "throttles",
    "volumes",
    "warnings",
]

# Who this hub is: one row.
hub_identity = Table(
    "hub_identity",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("identity", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("modified", BigInteger, nullable=False),
    # Keys what nobody outside may compute; never told to anybody.
    Column("secret", LargeBinary, nullable=False),
)

# What was held back for a person to look at, and what that person decided.
reviews = Table(
    "reviews",
    metadata,
    Column("object_id", Text, primary_key=True),
    Column("version", BigInteger),
    Column("partner", Text, nullable=False),
    Column("rule", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("opened", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("decided", BigInteger),
    Column("decided_by", Text),
    Column("note", Text),
    # Of a dispute: the value, named as in mentions, of which object_id is one of the listings.
    Column("subject", Text),
    # When a person last upheld the value against doubts.
    Column("upheld", BigInteger),
    Index("ix_reviews_state", "state", "opened"),
    Index("ix_reviews_subject", "subject"),
)

# What was taken back from a collection: the date_added and the version of the revocation there.
retractions = Table(
    "retractions",
    metadata,
    Column("object_id", Text, nullable=False),
    Column("collection", Text, nullable=False),
    Column("opened", BigInteger, nullable=False),
    Column("revoked_at", BigInteger, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    PrimaryKeyConstraint("object_id", "collection"),
    Index("ix_retractions_opened", "opened"),
)

# Under which ids the hub has listed a value, as the first, second, … in each track: "", or a partner's name.
listings = Table(
    "listings",
    metadata,
    Column("subject", Text, nullable=False),
    Column("track", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("id", Text, nullable=False),
    PrimaryKeyConstraint("subject", "track", "number"),
)
Index("ix_listings_id", listings.c.id, unique=True)

# Under which id an older version published what a contributor says of other objects, by its key in the inbox.
published_ids = Table(
    "published_ids",
    metadata,
    Column("key", Text, primary_key=True),
    Column("id", Text, nullable=False),
)

# Who was given what was taken back, and since when they know that it was.
receipts = Table(
    "receipts",
    metadata,
    Column("object_id", Text, nullable=False),
    Column("collection", Text, nullable=False),
    Column("partner", Text, nullable=False),
    Column("opened", BigInteger, nullable=False),
    # As in the retraction.
    Column("revoked_at", BigInteger, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("closed", BigInteger),
    Column("how", Text),
    PrimaryKeyConstraint("object_id", "collection", "partner"),
    Index("ix_receipts_opened", "opened"),
)
Index(
    "ix_receipts_open",
    receipts.c.partner,
    receipts.c.collection,
    receipts.c.revoked_at,
    receipts.c.opened,
    sqlite_where=text("closed IS NULL"),
    postgresql_where=text("closed IS NULL"),
)

# When somebody had first been given a collection up to which date_added.
first_reads = Table(
    "first_reads",
    metadata,
    Column("collection", Text, nullable=False),
    Column("read_up_to", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    PrimaryKeyConstraint("collection", "read_up_to"),
)

# Values that the operator found to be no scam's, by the names that their spellings share.
delisted = Table(
    "delisted",
    metadata,
    Column("name", Text, primary_key=True),
    Column("since", BigInteger, nullable=False),
)

# Partners' own domains and accounts, named as in mentions.
own_values = Table(
    "own_values",
    metadata,
    Column("subject", Text, primary_key=True),
    Column("partner", Text, ForeignKey("partners.name"), nullable=False),
)

# Whom to turn to, by function; the hub's own stand under no partner's name.
focal_points = Table(
    "focal_points",
    metadata,
    Column("partner", Text, nullable=False),
    Column("function", Text, nullable=False),
    Column("contact", Text, nullable=False),
    PrimaryKeyConstraint("partner", "function"),
)

# Which personal rooms an object has been in.
private_objects = Table(
    "private_objects",
    metadata,
    Column("object_id", Text, nullable=False),
    Column("collection", Integer, ForeignKey("collections.number"), nullable=False),
    PrimaryKeyConstraint("object_id", "collection"),
)

# How right a partner has been about values of a kind, by whose word, and how far its stated confidence was from that.
calibrations = Table(
    "calibrations",
    metadata,
    Column("partner", Text, nullable=False),
    Column("kind", Text, nullable=False),
    # An organisation; empty: this hub, by a person.
    Column("judge", Text, nullable=False),
    Column("confirmed", BigInteger, nullable=False),
    Column("wrong", BigInteger, nullable=False),
    Column("brier_sum", Float, nullable=False),
    # Of the reports that proved right, the sum of their stated confidence, each by the judge's own record.
    Column("credit", Float, nullable=False),
    # Of those that proved wrong, the sums of the stated confidence and of its square.
    Column("debit", Float, nullable=False),
    Column("loss", Float, nullable=False),
    PrimaryKeyConstraint("partner", "kind", "judge"),
)

# How many objects each partner sent a day (days since the epoch), and how many of them the guard held back.
volumes = Table(
    "volumes",
    metadata,
    Column("partner", Text, nullable=False),
    Column("day", Integer, nullable=False),
    Column("received", BigInteger, nullable=False),
    Column("held", BigInteger, nullable=False),
    # References by which it said something against what others report.
    Column("doubts", BigInteger, nullable=False),
    PrimaryKeyConstraint("partner", "day"),
)

# Partners whose contributions are all held back, since when and by which rule, until an operator lifts that.
throttles = Table(
    "throttles",
    metadata,
    Column("partner", Text, primary_key=True),
    Column("rule", Text, nullable=False),
    Column("since", BigInteger, nullable=False),
    # NULL: not yet.
    Column("lifted", BigInteger),
)

# What an operator has to do something about, since when, how often it happened, and when it last did.
warnings = Table(
    "warnings",
    metadata,
    Column("name", Text, primary_key=True),
    Column("first", BigInteger, nullable=False),
    Column("last", BigInteger, nullable=False),
    Column("count", BigInteger, nullable=False),
)
