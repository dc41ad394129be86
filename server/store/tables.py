"""The tables, for SQLite and PostgreSQL alike; the migrations build what this describes."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    false,
    text,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    }
)

collections = Table(
    "collections",
    metadata,
    # A small number leads every key of the log, instead of 36 characters in each of its indexes.
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("id", Text, nullable=False, unique=True),
    Column("alias", Text, nullable=False, unique=True),
    Column("title", Text, nullable=False, unique=True),
    Column("description", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("created", BigInteger, nullable=False),
    # The collection's sequence; whoever holds this row's lock appends.
    Column("last_added", BigInteger, nullable=False),
    # The database's timeline of that moment: another after a failover. 0 where there is none, or nothing was added yet.
    Column("timeline", Integer, nullable=False, server_default=text("0")),
    # The partner that a private collection belongs to, and its purpose; NULL in every other.
    Column("owner", Text),
    Column("use", Text),
    # The collection whose log has its objects: its own, or of a full variant that of the plain one; and its bit there.
    Column("log", Integer, nullable=False, server_default=text("0")),
    Column("part", SmallInteger, nullable=False, server_default=text("1")),
    # The number of objects in a listing without filters.
    Column("objects", BigInteger, nullable=False, server_default=text("0")),
)

Index("ix_collections_owner", collections.c.owner, collections.c.use, unique=True)
Index("ix_collections_log", collections.c.log)

# The log of each collection; a shared collection and its full variant are one log, that of the plain one. Which of the
# two has something is a sum of bits: 1 the plain one, or a collection without variants; 2 the full one; and there 4 the
# observable and 8 the relationship that a listing brings along, which stand one and two microseconds after it.
objects = Table(
    "objects",
    metadata,
    Column("date_added", BigInteger, nullable=False),
    # The UUID of the id, in two halves; of an id that has none, a digest of it.
    Column("id_high", BigInteger, nullable=False),
    Column("id_low", BigInteger, nullable=False),
    # The value that a report or a listing is about.
    Column("value", BigInteger),
    # NULL: the object has no versions, and its id occurs once.
    Column("version", BigInteger),
    # The observable and the relationship that follow in the full variant; NULL: none do.
    Column("observable_high", BigInteger),
    Column("observable_low", BigInteger),
    Column("relationship_high", BigInteger),
    Column("relationship_low", BigInteger),
    Column("relationship_version", BigInteger),
    Column("collection", Integer, ForeignKey("collections.number"), nullable=False),
    # The contributor's in the inbox; 0 elsewhere.
    Column("space", Integer, nullable=False),
    # Numbers of types, as in object_ids; 0: the name of another type is in type_name.
    Column("type", SmallInteger, nullable=False),
    Column("observable_type", SmallInteger, nullable=False),
    Column("spec_version", SmallInteger, nullable=False),
    # Bits: which variants have the row.
    Column("parts", SmallInteger, nullable=False),
    # Bits: what of it is the newest version in the newest STIX of its id, which a listing without filters returns.
    Column("latest", SmallInteger, nullable=False),
    # Bits: what of it is stored in a newer STIX too: hidden unless match[spec_version] asks for it.
    Column("legacy", SmallInteger, nullable=False),
    Column("revoked", Boolean, nullable=False),
    Column("type_name", Text),
    # An id that is no type and UUID.
    Column("id_text", Text),
    # As in bodies.
    Column("body", LargeBinary, nullable=False),
    PrimaryKeyConstraint("collection", "date_added", "parts"),
)

# One range of this index is the default listing; the type is read in it without touching the rows it leaves out.
Index(
    "ix_objects_latest",
    objects.c.collection,
    objects.c.date_added,
    objects.c.type,
    objects.c.latest,
    objects.c.observable_type,
    sqlite_where=text("latest > 0"),
    postgresql_where=text("latest > 0"),
)
Index("ix_objects_id", objects.c.id_high, objects.c.collection, objects.c.space)
Index(
    "ix_objects_value",
    objects.c.value,
    objects.c.collection,
    sqlite_where=text("value IS NOT NULL"),
    postgresql_where=text("value IS NOT NULL"),
)
# What was withdrawn, which is little of all.
Index(
    "ix_objects_revoked",
    objects.c.collection,
    objects.c.date_added,
    sqlite_where=text("revoked"),
    postgresql_where=text("revoked"),
)
Index(
    "ix_objects_observable",
    objects.c.observable_high,
    sqlite_where=text("observable_high IS NOT NULL"),
    postgresql_where=text("observable_high IS NOT NULL"),
)
Index(
    "ix_objects_relationship",
    objects.c.relationship_high,
    sqlite_where=text("relationship_high IS NOT NULL"),
    postgresql_where=text("relationship_high IS NOT NULL"),
)

# What bodies are compressed with beside the dictionary that comes with the program; never changed.
dictionaries = Table(
    "dictionaries",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("made", BigInteger, nullable=False),
    Column("bytes", LargeBinary, nullable=False),
)

# The number of changes of stored rows, by the stretch of time that they were added in.
rewrites = Table(
    "rewrites",
    metadata,
    Column("collection", Integer, ForeignKey("collections.number"), nullable=False),
    Column("span", BigInteger, nullable=False),
    Column("count", BigInteger, nullable=False),
    PrimaryKeyConstraint("collection", "span"),
)

partners = Table(
    "partners",
    metadata,
    Column("name", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("country", Text),
    Column("identity", Text, nullable=False, unique=True),
    # Leads the keys of all that the partner contributes.
    Column("space", Integer, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("trusted", Boolean, nullable=False),
    # Lists, as JSON.
    Column("authority", Text, nullable=False),
    Column("institutions", Text, nullable=False),
    Column("former_institutions", Text, nullable=False, server_default="[]"),
    Column("forwards", Boolean, nullable=False),
    Column("named", Boolean, nullable=False),
    Column("shown_publicly", Boolean, nullable=False, server_default=false()),
    # NULL: the partner itself.
    Column("organisation", Text),
    # The version of its identity.
    Column("modified", BigInteger, nullable=False),
    # When it left; NULL while it takes part.
    Column("left", BigInteger),
)

Index("ix_partners_space", partners.c.space, unique=True)

credentials = Table(
    "credentials",
    metadata,
    Column("partner", Text, ForeignKey("partners.name"), nullable=False),
    Column("password_hash", Text, nullable=False),
    Column("token_hash", LargeBinary, nullable=False, unique=True),
    Column("created", BigInteger, nullable=False),
    # NULL: until the next rotation.
    Column("expires", BigInteger),
    PrimaryKeyConstraint("partner", "token_hash"),
)

# Passwords that were verified slowly a moment ago, by a digest whose key no database holds.
verified_logins = Table(
    "verified_logins",
    metadata,
    Column("partner", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    # The credentials that the password is of; without them the row stands for nothing.
    Column("token_hash", LargeBinary, nullable=False),
    Column("until", BigInteger, nullable=False),
    PrimaryKeyConstraint("partner", "digest"),
)

grants = Table(
    "grants",
    metadata,
    Column("partner", Text, ForeignKey("partners.name"), nullable=False),
    Column("collection", Integer, ForeignKey("collections.number"), nullable=False),
    Column("can_read", Boolean, nullable=False),
    Column("can_write", Boolean, nullable=False),
    # The place in the log at which the partner was let read it; what was withdrawn up to there is not served to it.
    Column("granted", BigInteger, nullable=False, server_default=text("0")),
    PrimaryKeyConstraint("partner", "collection"),
)

# Where rights to read that were withdrawn began: who gets one back still has what it read by it.
former_grants = Table(
    "former_grants",
    metadata,
    Column("partner", Text, ForeignKey("partners.name"), nullable=False),
    Column("collection", Integer, ForeignKey("collections.number"), nullable=False),
    Column("granted", BigInteger, nullable=False),
    PrimaryKeyConstraint("partner", "collection"),
)

statuses = Table(
    "statuses",
    metadata,
    Column("api_root", Text, nullable=False),
    Column("id", Text, nullable=False),
    Column("partner", Text, ForeignKey("partners.name"), nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
    PrimaryKeyConstraint("api_root", "id"),
    Index("ix_statuses_created", "created"),
)

checkpoints = Table(
    "checkpoints",
    metadata,
    Column("feed", Text, primary_key=True),
    Column("body", LargeBinary, nullable=False),
    Column("saved", BigInteger, nullable=False),
)

runs = Table(
    "runs",
    metadata,
    Column("feed", Text, nullable=False),
    Column("started", BigInteger, nullable=False),
    # Tells apart two runs that two nodes started in the same microsecond.
    Column("id", Text, nullable=False),
    Column("ended", BigInteger, nullable=False),
    Column("read", BigInteger, nullable=False),
    Column("accepted", BigInteger, nullable=False),
    Column("rejected", BigInteger, nullable=False),
    Column("error", Text),
    # The columns and cells that were not read, with their numbers, as JSON; NULL where all were.
    Column("unread", LargeBinary),
    # The status of the peer's answer by HTTP that ended the run; NULL where none did.
    Column("status", Integer),
    PrimaryKeyConstraint("feed", "started", "id"),
)

files_read = Table(
    "files_read",
    metadata,
    Column("feed", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("seen", BigInteger, nullable=False),
    PrimaryKeyConstraint("feed", "digest"),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("feed", Text, nullable=False),
    Column("partner", Text, nullable=False),
    Column("object_id", Text, nullable=False),
    # 0: the object has no versions.
    Column("version", BigInteger, nullable=False),
    Column("delivered", BigInteger, nullable=False),
    Column("answer", Text, nullable=False),
    Column("attempts", SmallInteger, nullable=False),
    PrimaryKeyConstraint("feed", "partner", "object_id", "version"),
)

# The contributions, by their keys in the inbox, that mention a value ("domain:bad.example") or an object: one of the
# same contributor's, by its key, or a listing of the hub's, by its id.
value_index = Table(
    "value_index",
    metadata,
    Column("subject", Text, nullable=False),
    Column("inbox_key", Text, nullable=False),
    PrimaryKeyConstraint("subject", "inbox_key"),
)

# Values that anybody reported, each under a number of its own; whoever changes what is said of one holds its row.
subjects = Table(
    "subjects",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("subject", Text, nullable=False),
)

# A partner's client certificates, by the SHA-256 of their DER.
certificates = Table(
    "certificates",
    metadata,
    Column("fingerprint", LargeBinary, primary_key=True),
    Column("partner", Text, ForeignKey("partners.name"), nullable=False),
    Column("created", BigInteger, nullable=False),
    # NULL: until the partner has a newer one.
    Column("expires", BigInteger),
)

# The use of each quota since ``began``.
quotas = Table(
    "quotas",
    metadata,
    Column("partner", Text, ForeignKey("partners.name"), nullable=False),
    Column("unit", Text, nullable=False),
    Column("began", BigInteger, nullable=False),
    Column("used", BigInteger, nullable=False),
    PrimaryKeyConstraint("partner", "unit"),
)

# The end of each chain of the audit trail; whoever holds this row's lock adds to it.
audit_ends = Table(
    "audit_ends",
    metadata,
    Column("chain", Text, primary_key=True),
    Column("number", BigInteger, nullable=False),
    Column("hash", LargeBinary, nullable=False),
)

# The last removed row of each chain whose oldest rows were removed for their age.
audit_starts = Table(
    "audit_starts",
    metadata,
    Column("chain", Text, primary_key=True),
    Column("number", BigInteger, nullable=False),
    Column("hash", LargeBinary, nullable=False),
)

audit = Table(
    "audit",
    metadata,
    Column("chain", Text, nullable=False),
    Column("number", BigInteger, nullable=False),
    # Equal requests are one row: the first, the last, and how many; of reads that succeeded, all of a minute.
    Column("first", BigInteger, nullable=False),
    Column("last", BigInteger, nullable=False),
    Column("requests", BigInteger, nullable=False),
    # No foreign key: events stay whoever leaves.
    Column("partner", Text),
    Column("remote", Text, nullable=False),
    Column("method", Text, nullable=False),
    Column("route", Text, nullable=False),
    Column("collection", Text),
    Column("status", SmallInteger, nullable=False),
    Column("objects", BigInteger, nullable=False),
    # The id of the status resource or of the error.
    Column("reference", Text),
    Column("hash", LargeBinary, nullable=False),
    PrimaryKeyConstraint("chain", "number"),
    Index("ix_audit_first", "first"),
)

# The date_added up to which each partner has read each collection, by its id, and when it last asked.
read_positions = Table(
    "read_positions",
    metadata,
    Column("collection", Text, nullable=False),
    Column("partner", Text, nullable=False),
    Column("read_up_to", BigInteger, nullable=False),
    Column("asked", BigInteger, nullable=False),
    PrimaryKeyConstraint("collection", "partner"),
)

# The node that runs a feed now; the token grows with each holder, so that a stopped one cannot pass for the next.
leases = Table(
    "leases",
    metadata,
    Column("feed", Text, primary_key=True),
    Column("holder", Text, nullable=False),
    Column("token", BigInteger, nullable=False),
    # By the database's clock; 0: free.
    Column("until", BigInteger, nullable=False),
)

# Successes and failures of a feed, in all and since it last ended well. Moments are by the database's clock.
feed_states = Table(
    "feed_states",
    metadata,
    Column("feed", Text, primary_key=True),
    # The last run that came to its end.
    Column("started", BigInteger),
    Column("ended", BigInteger),
    Column("succeeded", BigInteger),
    # Runs since then that did not end well, and until when the next one waits.
    Column("failures", Integer, nullable=False),
    Column("retry_at", BigInteger, nullable=False),
    # Since then it waits for a person to mend something.
    Column("stopped", BigInteger),
    Column("runs", BigInteger, nullable=False),
    Column("failed", BigInteger, nullable=False),
    Column("read", BigInteger, nullable=False),
    Column("accepted", BigInteger, nullable=False),
    Column("rejected", BigInteger, nullable=False),
)

# Items set aside because the hub failed at them alone, each to be tried again.
dead_letters = Table(
    "dead_letters",
    metadata,
    Column("feed", Text, nullable=False),
    # The digest of the item: the same again is the same letter.
    Column("id", Text, nullable=False),
    # The STIX object that it is about.
    Column("subject", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("reason", Text, nullable=False),
    Column("first", BigInteger, nullable=False),
    Column("last", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False),
    PrimaryKeyConstraint("feed", "id"),
)

# A random number for each of the facts that change rarely; a change of the facts is a change of their number.
fact_versions = Table(
    "fact_versions",
    metadata,
    Column("name", Text, primary_key=True),
    Column("version", BigInteger, nullable=False),
)

# The digests of collections' active sets, as far as their logs are folded into them.
digests = Table(
    "digests",
    metadata,
    Column("collection", Integer, ForeignKey("collections.number"), primary_key=True, autoincrement=False),
    # The place in the log; and where the first fold ends, NULL once it has.
    Column("folded", BigInteger, nullable=False),
    Column("target", BigInteger),
    # The minute, counted from the epoch, whose active set the sum is of.
    Column("minute", BigInteger, nullable=False),
    Column("active", BigInteger, nullable=False),
    Column("sum", LargeBinary, nullable=False),
)

# Of these, what will have ended by a later minute.
digest_buckets = Table(
    "digest_buckets",
    metadata,
    Column("collection", Integer, ForeignKey("collections.number"), nullable=False),
    Column("minute", BigInteger, nullable=False),
    Column("active", BigInteger, nullable=False),
    Column("sum", LargeBinary, nullable=False),
    PrimaryKeyConstraint("collection", "minute"),
)

# Work too large for one transaction: how far each has come, until it has ended.
jobs = Table(
    "jobs",
    metadata,
    Column("name", Text, primary_key=True),
    Column("state", LargeBinary, nullable=False),
    Column("begun", BigInteger, nullable=False),
    Column("saved", BigInteger, nullable=False),
    Column("ended", BigInteger),
)

# One row to lock while migrating, on databases other than SQLite.
migration_lock = Table(
    "migration_lock",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
)
