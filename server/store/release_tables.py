"""The tables of the release rules: the hub, reviews, retractions and receipts, reputation, throttles, erasures."""

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

from server.store.tables import APART, CLEANED, NAME, ROW, metadata

__all__ = [
    "calibrations",
    "delisted",
    "erased_names",
    "erasures",
    "first_reads",
    "focal_points",
    "held_ends",
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
    Column("identity", Text, nullable=False, info=CLEANED),
    Column("name", Text, nullable=False, info=CLEANED),
    Column("created", BigInteger, nullable=False),
    Column("modified", BigInteger, nullable=False),
    # The secret key of ids and cursors that no outsider may compute; never shown.
    Column("secret", LargeBinary, nullable=False, info=CLEANED),
)

# Objects held for a person's decision, and that decision.
reviews = Table(
    "reviews",
    metadata,
    Column("object_id", Text, primary_key=True, info=CLEANED),
    Column("version", BigInteger),
    Column("partner", Text, nullable=False, info=CLEANED),
    Column("rule", Text, nullable=False, info=CLEANED),
    Column("message", Text, nullable=False, info=CLEANED),
    Column("opened", BigInteger, nullable=False),
    Column("state", Text, nullable=False, info=CLEANED),
    Column("decided", BigInteger),
    Column("decided_by", Text, info=CLEANED),
    Column("note", Text, info=CLEANED),
    # For a dispute: the value, named as in the value index. object_id is one of its listings.
    Column("subject", Text, info=CLEANED),
    # When a person last upheld the value against disputes.
    Column("upheld", BigInteger),
    Index("ix_reviews_state", "state", "opened"),
    # A queue of one rule or one partner is read in order, independent of the length of other queues.
    Index("ix_reviews_rule", "state", "rule", "opened"),
    Index("ix_reviews_partner", "state", "partner", "opened"),
    Index("ix_reviews_subject", "subject"),
)

# Delistings beyond an organisation's daily limit, by their reviews, until they are approved.
held_ends = Table(
    "held_ends",
    metadata,
    Column("review_id", Text, primary_key=True, info=ROW),
    # A digest of the partner and of the values. A repeated delisting of the same values replaces the first.
    Column("about", Text, nullable=False, info=ROW),
    # The person whose login sent it, empty for a program.
    Column("sent_by", Text, nullable=False, info=ROW),
    # The delisted values, named as in the value index, one per line.
    Column("subjects", Text, nullable=False, info=ROW),
    # The object as it was sent.
    Column("body", LargeBinary, nullable=False, info=ROW),
    Index("ix_held_ends_about", "about", unique=True),
)

# Objects retracted from a collection: the date_added and the version of the revocation there.
retractions = Table(
    "retractions",
    metadata,
    Column("object_id", Text, nullable=False, info=CLEANED),
    Column("collection", Text, nullable=False, info=CLEANED),
    Column("opened", BigInteger, nullable=False),
    Column("revoked_at", BigInteger, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("reason", Text, nullable=False, info=CLEANED),
    PrimaryKeyConstraint("object_id", "collection"),
    Index("ix_retractions_opened", "opened"),
)

# The ids under which an older program version published annotations, by their keys in the inbox.
published_ids = Table(
    "published_ids",
    metadata,
    Column("key", Text, primary_key=True, info=CLEANED),
    Column("id", Text, nullable=False, info=CLEANED),
)

# The partners that received a retracted object, by which channel, and when each learnt of the retraction.
receipts = Table(
    "receipts",
    metadata,
    Column("object_id", Text, nullable=False, info=NAME),
    Column("collection", Text, nullable=False, info=NAME),
    Column("partner", Text, nullable=False, info=NAME),
    Column("opened", BigInteger, nullable=False),
    # As in the retraction.
    Column("revoked_at", BigInteger, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("closed", BigInteger),
    Column("how", Text, info=NAME),
    # Empty: the partner read it. Otherwise the feed that pushed it.
    Column("channel", Text, nullable=False, server_default="", info=NAME),
    PrimaryKeyConstraint("object_id", "collection", "partner", "channel"),
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

# The moment at which any partner first read a collection up to a date_added.
first_reads = Table(
    "first_reads",
    metadata,
    Column("collection", Text, nullable=False, info=CLEANED),
    Column("read_up_to", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    PrimaryKeyConstraint("collection", "read_up_to"),
)

# Values that the operator delisted as harmless, by the names that all their spellings share.
delisted = Table(
    "delisted",
    metadata,
    Column("name", Text, primary_key=True, info=CLEANED),
    Column("since", BigInteger, nullable=False),
)

# Partners' own domains and accounts, named as in the value index.
own_values = Table(
    "own_values",
    metadata,
    Column("subject", Text, primary_key=True, info=CLEANED),
    Column("partner", Text, ForeignKey("partners.name"), nullable=False, info=CLEANED),
)

# Contacts by function. The hub's own have an empty name.
focal_points = Table(
    "focal_points",
    metadata,
    Column("partner", Text, nullable=False, info=CLEANED),
    Column("function", Text, nullable=False, info=CLEANED),
    Column("contact", Text, nullable=False, info=CLEANED),
    PrimaryKeyConstraint("partner", "function"),
)

# Correct and wrong reports of a partner about values of a kind, by judge, with the error of its stated confidence.
calibrations = Table(
    "calibrations",
    metadata,
    Column("partner", Text, nullable=False, info=CLEANED),
    Column("kind", Text, nullable=False, info=CLEANED),
    # An organisation. Empty: a person at this hub.
    Column("judge", Text, nullable=False, info=CLEANED),
    Column("confirmed", BigInteger, nullable=False),
    Column("wrong", BigInteger, nullable=False),
    Column("brier_sum", Float, nullable=False),
    # The sum of the stated confidence of correct reports, each weighted by the judge's own record.
    Column("credit", Float, nullable=False),
    # The sums of the stated confidence of wrong reports, and of its square.
    Column("debit", Float, nullable=False),
    Column("loss", Float, nullable=False),
    PrimaryKeyConstraint("partner", "kind", "judge"),
)

# The number of objects that each partner contributed per day (days since the epoch), and how many the guard held.
volumes = Table(
    "volumes",
    metadata,
    Column("partner", Text, nullable=False, info=CLEANED),
    Column("day", Integer, nullable=False),
    Column("received", BigInteger, nullable=False),
    Column("held", BigInteger, nullable=False),
    # References that contradict reports of others.
    Column("doubts", BigInteger, nullable=False),
    # Released values of a partner without a record, and how many of them are public.
    Column("new_values", BigInteger, nullable=False, server_default="0"),
    Column("new_public_values", BigInteger, nullable=False, server_default="0"),
    # Values that its reports alone block: the begin of its last hour of them (microseconds), their number in that hour,
    # and the largest number in an hour of the day.
    Column("hour_began", BigInteger, nullable=False, server_default="0"),
    Column("hour_blocks", BigInteger, nullable=False, server_default="0"),
    Column("most_blocks", BigInteger, nullable=False, server_default="0"),
    PrimaryKeyConstraint("partner", "day"),
)

# Partners whose contributions are all held: since when, by which rule, and until when.
throttles = Table(
    "throttles",
    metadata,
    Column("partner", Text, primary_key=True, info=CLEANED),
    Column("rule", Text, nullable=False, info=CLEANED),
    Column("since", BigInteger, nullable=False),
    # NULL: not yet.
    Column("lifted", BigInteger),
)

# Conditions that need an operator: since when, how often, and when last.
warnings = Table(
    "warnings",
    metadata,
    Column("name", Text, primary_key=True, info=CLEANED),
    Column("first", BigInteger, nullable=False),
    Column("last", BigInteger, nullable=False),
    Column("count", BigInteger, nullable=False),
)

# Each erasure: the kind of value, the reason, the two persons, and the removed rows; never the value.
erasures = Table(
    "erasures",
    metadata,
    Column("id", Text, primary_key=True, info=APART),
    Column("kind", Text, nullable=False, info=APART),
    Column("reason", Text, nullable=False, info=APART),
    Column("proposed_by", Text, nullable=False, info=APART),
    Column("confirmed_by", Text, nullable=False, info=APART),
    Column("begun", BigInteger, nullable=False),
    # NULL: not yet.
    Column("ended", BigInteger),
    # The numbers of removed rows, as JSON.
    Column("counts", LargeBinary, nullable=False, info=APART),
)

# Names of erased values, as digests by a secret of the hub: a later report of one is held for review.
erased_names = Table(
    "erased_names",
    metadata,
    Column("digest", LargeBinary, primary_key=True, info=APART),
    Column("erasure", Text, ForeignKey("erasures.id"), nullable=False, info=APART),
)
