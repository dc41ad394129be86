"""The tables of the release rules: the hub, reviews, retractions and receipts, reputation, throttles."""

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
    "metadata",
    "own_values",
    "published_ids",
    "receipts",
    "retractions",
    "reviews",
    "throttles",
    "volumes",
    "warnings",
]

# This hub: one row.
hub_identity = Table(
    "hub_identity",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("identity", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("modified", BigInteger, nullable=False),
    # The key of ids and cursors that nobody outside may compute; never shown.
    Column("secret", LargeBinary, nullable=False),
)

# Objects held for a person's decision, and that decision.
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
    # Of a dispute: the value, named as in the value index, of which object_id is one of the listings.
    Column("subject", Text),
    # When a person last upheld the value against doubts.
    Column("upheld", BigInteger),
    Index("ix_reviews_state", "state", "opened"),
    # A queue of one rule, or of one partner, is read in order, however many others wait.
    Index("ix_reviews_rule", "state", "rule", "opened"),
    Index("ix_reviews_partner", "state", "partner", "opened"),
    Index("ix_reviews_subject", "subject"),
)

# Objects retracted from a collection: the date_added and the version of the revocation there.
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

# The ids under which an older version of the project published annotations, by their keys in the inbox.
published_ids = Table(
    "published_ids",
    metadata,
    Column("key", Text, primary_key=True),
    Column("id", Text, nullable=False),
)

# The partners that received a retracted object, and since when each knows of the retraction.
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

# The moment at which somebody first read a collection up to a date_added.
first_reads = Table(
    "first_reads",
    metadata,
    Column("collection", Text, nullable=False),
    Column("read_up_to", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    PrimaryKeyConstraint("collection", "read_up_to"),
)

# Values that the operator delisted as serving no scam, by the names that all their spellings share.
delisted = Table(
    "delisted",
    metadata,
    Column("name", Text, primary_key=True),
    Column("since", BigInteger, nullable=False),
)

# Partners' own domains and accounts, named as in the value index.
own_values = Table(
    "own_values",
    metadata,
    Column("subject", Text, primary_key=True),
    Column("partner", Text, ForeignKey("partners.name"), nullable=False),
)

# Contacts by function; the hub's own have the empty name.
focal_points = Table(
    "focal_points",
    metadata,
    Column("partner", Text, nullable=False),
    Column("function", Text, nullable=False),
    Column("contact", Text, nullable=False),
    PrimaryKeyConstraint("partner", "function"),
)

# Right and wrong reports of a partner about values of a kind, by judge, and how far its stated confidence was off.
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
    # The sum of the stated confidence of the reports that proved right, each by the judge's own record.
    Column("credit", Float, nullable=False),
    # The sums of the stated confidence, and of its square, of those that proved wrong.
    Column("debit", Float, nullable=False),
    Column("loss", Float, nullable=False),
    PrimaryKeyConstraint("partner", "kind", "judge"),
)

# The number of objects that each partner contributed a day (days since the epoch), and how many the guard held.
volumes = Table(
    "volumes",
    metadata,
    Column("partner", Text, nullable=False),
    Column("day", Integer, nullable=False),
    Column("received", BigInteger, nullable=False),
    Column("held", BigInteger, nullable=False),
    # References that contradict reports of others.
    Column("doubts", BigInteger, nullable=False),
    PrimaryKeyConstraint("partner", "day"),
)

# Partners whose contributions are all held, since when and by which rule, until an operator lifts that.
throttles = Table(
    "throttles",
    metadata,
    Column("partner", Text, primary_key=True),
    Column("rule", Text, nullable=False),
    Column("since", BigInteger, nullable=False),
    # NULL: not yet.
    Column("lifted", BigInteger),
)

# Conditions that an operator has to act on, since when, how often, and when last.
warnings = Table(
    "warnings",
    metadata,
    Column("name", Text, primary_key=True),
    Column("first", BigInteger, nullable=False),
    Column("last", BigInteger, nullable=False),
    Column("count", BigInteger, nullable=False),
)
