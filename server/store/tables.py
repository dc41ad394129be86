"""The tables of the log, the partners and the feeds, for SQLite and PostgreSQL; and the list of all tables."""

from collections.abc import Collection
from enum import Enum, auto
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

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


class Erase(Enum):
    """The effect of an erasure on a column of text or bytes, in the column's ``info``.

    ``CLEANED``: the row is removed if the text is exactly a name of the value, or the key of an erased contribution;
    elsewhere the value is replaced. ``NAME``: the same for names, ids and the hub's own words: the database finds the
    rows, and nothing is replaced. ``ROW``: the row is removed with any mention of the value. ``STAYS``: the row records
    an action or progress; mentions are counted. ``STATUS``: the body of a partner's status. ``APART``: the column
    follows rules of its own (the log and its ledger), has no text from outside, or the erasure needs it.
    """

    CLEANED = auto()
    NAME = auto()
    ROW = auto()
    STAYS = auto()
    STATUS = auto()
    APART = auto()


CLEANED, NAME, ROW, STAYS, STATUS, APART = ({Erase: rule} for rule in Erase)

collections = Table(
    "collections",
    metadata,
    # A small number leads every key of the log, instead of 36 characters in each of its indexes.
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("id", Text, nullable=False, unique=True, info=CLEANED),
    Column("alias", Text, nullable=False, unique=True, info=CLEANED),
    Column("title", Text, nullable=False, unique=True, info=CLEANED),
    Column("description", Text, nullable=False, info=CLEANED),
    Column("kind", Text, nullable=False, info=CLEANED),
    Column("created", BigInteger, nullable=False),
    # The collection's sequence. The holder of this row's lock may append.
    Column("last_added", BigInteger, nullable=False),
    # The database's timeline at that moment, which changes with a failover. 0: no timelines, or nothing added yet.
    Column("timeline", Integer, nullable=False, server_default=text("0")),
    # The partner of a private collection, and its purpose; NULL otherwise.
    Column("owner", Text, info=CLEANED),
    Column("use", Text, info=CLEANED),
    # The collection whose log stores the objects: its own, or for a full variant the plain one's; and its bit there.
    Column("log", Integer, nullable=False, server_default=text("0")),
    Column("part", SmallInteger, nullable=False, server_default=text("1")),
    # The number of objects in a listing without filters.
    Column("objects", BigInteger, nullable=False, server_default=text("0")),
)

Index("ix_collections_owner", collections.c.owner, collections.c.use, unique=True)
Index("ix_collections_log", collections.c.log)

# The log of each collection. A shared collection and its full variant share one log, that of the plain one. A sum of
# bits records the variants of a row: 1 for the plain one or a collection without variants, and 2 for the full one. The
# full one also has 4 for the observable and 8 for the relationship of a listing, added one and two microseconds after
# it.
objects = Table(
    "objects",
    metadata,
    Column("date_added", BigInteger, nullable=False),
    # The UUID of the id in two halves; for an id without a UUID, a digest of it.
    Column("id_high", BigInteger, nullable=False),
    Column("id_low", BigInteger, nullable=False),
    # The value of a report or a listing.
    Column("value", BigInteger),
    # NULL: the object has no versions, and its id occurs once.
    Column("version", BigInteger),
    # The observable and the relationship that follow in the full variant; NULL: none.
    Column("observable_high", BigInteger),
    Column("observable_low", BigInteger),
    Column("relationship_high", BigInteger),
    Column("relationship_low", BigInteger),
    Column("relationship_version", BigInteger),
    Column("collection", Integer, ForeignKey("collections.number"), nullable=False),
    # The contributor's space in the inbox; 0 elsewhere.
    Column("space", Integer, nullable=False),
    # Numbers of types, as in object_ids; 0: type_name has another type.
    Column("type", SmallInteger, nullable=False),
    Column("observable_type", SmallInteger, nullable=False),
    Column("spec_version", SmallInteger, nullable=False),
    # Bits: the variants that have the row.
    Column("parts", SmallInteger, nullable=False),
    # Bits: the objects that are the newest version in the newest STIX of their ids. A listing without filters returns
    # them.
    Column("latest", SmallInteger, nullable=False),
    # Bits: the objects also stored in a newer STIX, hidden unless match[spec_version] asks for them.
    Column("legacy", SmallInteger, nullable=False),
    Column("revoked", Boolean, nullable=False),
    Column("type_name", Text, info=APART),
    # An id that is not a type and a UUID.
    Column("id_text", Text, info=APART),
    # As in bodies.
    Column("body", LargeBinary, nullable=False, info=APART),
    # For the hub's listing of a URL: the number of its host, as in host_pages.
    Column("host", BigInteger),
    PrimaryKeyConstraint("collection", "date_added", "parts"),
)

# A condition as written in a partial index, by which the databases find it.
OWN_OPINIONS = "type = 4 AND space > 0 AND latest > 0"

# The default listing is one range of this index. The type is checked in it without reading excluded rows.
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
# The listed pages of a host in a collection, in order.
Index(
    "ix_objects_host",
    objects.c.host,
    objects.c.collection,
    objects.c.date_added,
    sqlite_where=text("host IS NOT NULL AND latest > 0 AND NOT revoked"),
    postgresql_where=text("host IS NOT NULL AND latest > 0 AND NOT revoked"),
)
# Withdrawn objects, a small part of all.
Index(
    "ix_objects_revoked",
    objects.c.collection,
    objects.c.date_added,
    sqlite_where=text("revoked"),
    postgresql_where=text("revoked"),
)
# The opinions (object_ids has the number of the type) of each contributor, a small part of all.
Index(
    "ix_objects_own_opinions",
    objects.c.space,
    objects.c.date_added,
    sqlite_where=text(OWN_OPINIONS),
    postgresql_where=text(OWN_OPINIONS),
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

# The keys of the texts of rows of the log, by which an erasure finds them: for each stretch of a log, four bytes for
# each beginning of a word, digested with the hub's secret. Rows without texts are in no stretch.
text_keys = Table(
    "text_keys",
    metadata,
    Column("log", Integer, nullable=False),
    Column("begins", BigInteger, nullable=False),
    Column("ends", BigInteger, nullable=False),
    # The number of its rows that may have texts.
    Column("size", Integer, nullable=False),
    Column("digests", LargeBinary, nullable=False, info=APART),
    PrimaryKeyConstraint("log", "begins"),
)

# Dictionaries that bodies are compressed with, besides the one in the program. Never changed.
dictionaries = Table(
    "dictionaries",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("made", BigInteger, nullable=False),
    Column("bytes", LargeBinary, nullable=False, info=APART),
)

# The number of changes of stored rows, by the period in which they were added.
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
    Column("name", Text, primary_key=True, info=CLEANED),
    Column("kind", Text, nullable=False, info=CLEANED),
    Column("country", Text, info=CLEANED),
    Column("identity", Text, nullable=False, unique=True, info=CLEANED),
    # Prefix of the keys of all contributions of the partner.
    Column("space", Integer, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("trusted", Boolean, nullable=False),
    # Lists, as JSON.
    Column("authority", Text, nullable=False, info=CLEANED),
    Column("institutions", Text, nullable=False, info=CLEANED),
    Column("former_institutions", Text, nullable=False, server_default="[]", info=CLEANED),
    Column("vouched", Boolean, nullable=False, server_default=false()),
    Column("forwards", Boolean, nullable=False),
    Column("named", Boolean, nullable=False),
    Column("shown_publicly", Boolean, nullable=False, server_default=false()),
    Column("peer", Boolean, nullable=False, server_default=false()),
    # NULL: the partner itself.
    Column("organisation", Text, info=CLEANED),
    # The version of its identity.
    Column("modified", BigInteger, nullable=False),
    # When it left; NULL for a current partner.
    Column("left", BigInteger),
    # When it last lost all rights granted under dual control; NULL: never.
    Column("powers_ended", BigInteger),
)

Index("ix_partners_space", partners.c.space, unique=True)

credentials = Table(
    "credentials",
    metadata,
    Column("partner", Text, ForeignKey("partners.name"), nullable=False, info=CLEANED),
    Column("password_hash", Text, nullable=False, info=CLEANED),
    Column("token_hash", LargeBinary, nullable=False, unique=True, info=CLEANED),
    Column("created", BigInteger, nullable=False),
    # NULL: until the next rotation.
    Column("expires", BigInteger),
    # Two octets of another digest of the password. NULL in older rows, until verified.
    Column("password_check", LargeBinary, info=CLEANED),
    Column("purpose", Text, nullable=False, server_default="", info=CLEANED),
    PrimaryKeyConstraint("partner", "token_hash"),
)

# Recently verified passwords, by a digest whose key is not in the database.
verified_logins = Table(
    "verified_logins",
    metadata,
    Column("partner", Text, nullable=False, info=CLEANED),
    Column("digest", LargeBinary, nullable=False, info=CLEANED),
    # The credentials of the password. Without them the row is invalid.
    Column("token_hash", LargeBinary, nullable=False, info=CLEANED),
    Column("until", BigInteger, nullable=False),
    PrimaryKeyConstraint("partner", "digest"),
)

grants = Table(
    "grants",
    metadata,
    Column("partner", Text, ForeignKey("partners.name"), nullable=False, info=CLEANED),
    Column("collection", Integer, ForeignKey("collections.number"), nullable=False),
    Column("can_read", Boolean, nullable=False),
    Column("can_write", Boolean, nullable=False),
    # The place in the log where the partner's access began. Objects withdrawn up to there are not served to it.
    Column("granted", BigInteger, nullable=False, server_default=text("0")),
    PrimaryKeyConstraint("partner", "collection"),
)

# Where revoked rights to read began. A partner with restored access keeps the objects that it read before.
former_grants = Table(
    "former_grants",
    metadata,
    Column("partner", Text, ForeignKey("partners.name"), nullable=False, info=CLEANED),
    Column("collection", Integer, ForeignKey("collections.number"), nullable=False),
    Column("granted", BigInteger, nullable=False),
    PrimaryKeyConstraint("partner", "collection"),
)

statuses = Table(
    "statuses",
    metadata,
    Column("api_root", Text, nullable=False, info=APART),
    Column("id", Text, nullable=False, info=APART),
    Column("partner", Text, ForeignKey("partners.name"), nullable=False, info=STAYS),
    Column("created", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False, info=STATUS),
    PrimaryKeyConstraint("api_root", "id"),
    Index("ix_statuses_created", "created"),
)

checkpoints = Table(
    "checkpoints",
    metadata,
    Column("feed", Text, primary_key=True, info=STAYS),
    Column("body", LargeBinary, nullable=False, info=STAYS),
    Column("saved", BigInteger, nullable=False),
)

runs = Table(
    "runs",
    metadata,
    Column("feed", Text, nullable=False, info=CLEANED),
    Column("started", BigInteger, nullable=False),
    # Distinguishes runs that two nodes started in the same microsecond.
    Column("id", Text, nullable=False, info=CLEANED),
    Column("ended", BigInteger, nullable=False),
    Column("read", BigInteger, nullable=False),
    Column("accepted", BigInteger, nullable=False),
    Column("rejected", BigInteger, nullable=False),
    Column("error", Text, info=CLEANED),
    # The unread columns and cells with their numbers, as JSON; NULL if all were read.
    Column("unread", LargeBinary, info=CLEANED),
    # The HTTP status of the peer's answer that ended the run, or NULL.
    Column("status", Integer),
    PrimaryKeyConstraint("feed", "started", "id"),
)

files_read = Table(
    "files_read",
    metadata,
    Column("feed", Text, nullable=False, info=STAYS),
    Column("digest", Text, nullable=False, info=STAYS),
    Column("name", Text, nullable=False, info=CLEANED),
    Column("seen", BigInteger, nullable=False),
    PrimaryKeyConstraint("feed", "digest"),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("feed", Text, nullable=False, info=CLEANED),
    Column("partner", Text, nullable=False, info=CLEANED),
    Column("object_id", Text, nullable=False, info=CLEANED),
    # 0: the object has no versions.
    Column("version", BigInteger, nullable=False),
    Column("delivered", BigInteger, nullable=False),
    Column("answer", Text, nullable=False, info=CLEANED),
    Column("attempts", SmallInteger, nullable=False),
    # The peer's own id of the object.
    Column("remote", Text, info=CLEANED),
    PrimaryKeyConstraint("feed", "partner", "object_id", "version"),
)

# The contributions, by inbox key, that mention a value ("domain:bad.example") or an object: one of the same
# contributor, by its key, or a listing of the hub, by its id.
value_index = Table(
    "value_index",
    metadata,
    Column("subject", Text, nullable=False, info=NAME),
    Column("inbox_key", Text, nullable=False, info=NAME),
    PrimaryKeyConstraint("subject", "inbox_key"),
)

# Reported values, each with its number. A transaction that changes the data of a value locks its row.
subjects = Table(
    "subjects",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("subject", Text, nullable=False, info=APART),
)

# A partner's client certificates, by the SHA-256 of their DER.
certificates = Table(
    "certificates",
    metadata,
    Column("fingerprint", LargeBinary, primary_key=True, info=CLEANED),
    Column("partner", Text, ForeignKey("partners.name"), nullable=False, info=CLEANED),
    Column("created", BigInteger, nullable=False),
    # NULL: until the partner has a newer one.
    Column("expires", BigInteger),
    Column("purpose", Text, nullable=False, server_default="", info=CLEANED),
)

# The use of each quota since ``began``.
quotas = Table(
    "quotas",
    metadata,
    # The organisation, by the key that its partners count as.
    Column("partner", Text, nullable=False, info=CLEANED),
    Column("unit", Text, nullable=False, info=CLEANED),
    Column("began", BigInteger, nullable=False),
    Column("used", BigInteger, nullable=False),
    PrimaryKeyConstraint("partner", "unit"),
)

# The end of each chain of the audit trail. The holder of this row's lock may add to it.
audit_ends = Table(
    "audit_ends",
    metadata,
    Column("chain", Text, primary_key=True, info=CLEANED),
    Column("number", BigInteger, nullable=False),
    Column("hash", LargeBinary, nullable=False, info=CLEANED),
)

# The last removed row of each chain whose oldest rows were removed for their age.
audit_starts = Table(
    "audit_starts",
    metadata,
    Column("chain", Text, primary_key=True, info=CLEANED),
    Column("number", BigInteger, nullable=False),
    Column("hash", LargeBinary, nullable=False, info=CLEANED),
)

audit = Table(
    "audit",
    metadata,
    Column("chain", Text, nullable=False, info=APART),
    Column("number", BigInteger, nullable=False),
    # Equal requests share a row: the first, the last, and their number. Successful reads share one per minute.
    Column("first", BigInteger, nullable=False),
    Column("last", BigInteger, nullable=False),
    Column("requests", BigInteger, nullable=False),
    # No foreign key: events stay when a partner leaves.
    Column("partner", Text, info=APART),
    Column("remote", Text, nullable=False, info=APART),
    Column("method", Text, nullable=False, info=APART),
    Column("route", Text, nullable=False, info=APART),
    Column("collection", Text, info=APART),
    Column("status", SmallInteger, nullable=False),
    Column("objects", BigInteger, nullable=False),
    # The id of the status resource or of the error.
    Column("reference", Text, info=APART),
    Column("hash", LargeBinary, nullable=False, info=APART),
    PrimaryKeyConstraint("chain", "number"),
    Index("ix_audit_first", "first"),
)

# The date_added up to which each partner has read each collection (by id), and when it last asked.
read_positions = Table(
    "read_positions",
    metadata,
    Column("collection", Text, nullable=False, info=CLEANED),
    Column("partner", Text, nullable=False, info=CLEANED),
    Column("read_up_to", BigInteger, nullable=False),
    Column("asked", BigInteger, nullable=False),
    PrimaryKeyConstraint("collection", "partner"),
)

# The node that runs a feed now. The token grows with each holder, so that a paused one cannot act for the next.
leases = Table(
    "leases",
    metadata,
    Column("feed", Text, primary_key=True, info=CLEANED),
    Column("holder", Text, nullable=False, info=CLEANED),
    Column("token", BigInteger, nullable=False),
    # By the database's clock; 0: free.
    Column("until", BigInteger, nullable=False),
)

# Successes and failures of a feed: totals, and since its last success. Moments are by the database's clock.
feed_states = Table(
    "feed_states",
    metadata,
    Column("feed", Text, primary_key=True, info=CLEANED),
    # The last completed run.
    Column("started", BigInteger),
    Column("ended", BigInteger),
    Column("succeeded", BigInteger),
    # Failed runs since then, and until when the next one waits.
    Column("failures", Integer, nullable=False),
    Column("retry_at", BigInteger, nullable=False),
    # Since then a person has to fix something.
    Column("stopped", BigInteger),
    Column("runs", BigInteger, nullable=False),
    Column("failed", BigInteger, nullable=False),
    Column("read", BigInteger, nullable=False),
    Column("accepted", BigInteger, nullable=False),
    Column("rejected", BigInteger, nullable=False),
)

# Items set aside because only they failed, to be retried.
dead_letters = Table(
    "dead_letters",
    metadata,
    Column("feed", Text, nullable=False, info=ROW),
    # The digest of the item, so that the same item is the same letter.
    Column("id", Text, nullable=False, info=ROW),
    # The STIX object concerned.
    Column("subject", Text, nullable=False, info=ROW),
    Column("body", LargeBinary, nullable=False, info=ROW),
    Column("reason", Text, nullable=False, info=ROW),
    Column("first", BigInteger, nullable=False),
    Column("last", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False),
    PrimaryKeyConstraint("feed", "id"),
)

# A random number for each group of rarely changed facts, renewed with each change.
fact_versions = Table(
    "fact_versions",
    metadata,
    Column("name", Text, primary_key=True, info=CLEANED),
    Column("version", BigInteger, nullable=False),
)

# The digests of collections' active sets, up to the aggregated part of their logs.
digests = Table(
    "digests",
    metadata,
    Column("collection", Integer, ForeignKey("collections.number"), primary_key=True, autoincrement=False),
    # The place in the log, and where the first aggregation ends (NULL once complete).
    Column("folded", BigInteger, nullable=False),
    Column("target", BigInteger),
    # The minute, counted from the epoch, of the summed active set.
    Column("minute", BigInteger, nullable=False),
    # The number of objects of any type, and of indicators.
    Column("active", BigInteger, nullable=False),
    Column("listings", BigInteger, nullable=False),
    Column("sum", LargeBinary, nullable=False, info=CLEANED),
)

# The parts of these that will have ended by a later minute.
digest_buckets = Table(
    "digest_buckets",
    metadata,
    Column("collection", Integer, ForeignKey("collections.number"), nullable=False),
    Column("minute", BigInteger, nullable=False),
    Column("active", BigInteger, nullable=False),
    Column("listings", BigInteger, nullable=False),
    Column("sum", LargeBinary, nullable=False, info=CLEANED),
    PrimaryKeyConstraint("collection", "minute"),
)

# Work too large for one transaction: the progress of each job.
jobs = Table(
    "jobs",
    metadata,
    Column("name", Text, primary_key=True, info=APART),
    Column("state", LargeBinary, nullable=False, info=APART),
    Column("begun", BigInteger, nullable=False),
    Column("saved", BigInteger, nullable=False),
    Column("ended", BigInteger),
)

# One row to lock while migrating, on databases other than SQLite.
migration_lock = Table(
    "migration_lock",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    info=APART,
)


def columns_of(record: type[Any], table: Table, *, without: Collection[str] = ()) -> tuple[Column[Any], ...]:
    """Return the columns of a record's fields in their order, to read rows of a table as ``record(*row)``.

    A field has the name of its column, except those ``without`` one.
    """
    return tuple(table.c[name] for name in record.__annotations__ if name not in without)


@cache
def declared() -> MetaData:
    """Return all tables, also those of packages not imported by this process.

    Each package of the store, and each feature, declares its tables in a file of one of these names.
    """
    for package in map(import_module, (__package__, f"{__package__.removesuffix('.store')}.features")):
        folder = Path(package.__path__[0])
        for name in ("tables", "match_tables", "release_tables"):
            for file in sorted(folder.rglob(f"{name}.py")):
                import_module(".".join((package.__name__, *file.relative_to(folder).with_suffix("").parts)))
    return metadata
