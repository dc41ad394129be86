"""The tables of this folder, in the metadata that all tables share."""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, LargeBinary, SmallInteger, Table, Text
from sqlalchemy.schema import PrimaryKeyConstraint

from server.store.release_tables import metadata

# The tree of each collection that is read, once something was published in it.
ledger_trees = Table(
    "ledger_trees",
    metadata,
    Column("collection", Integer, ForeignKey("collections.number"), primary_key=True, autoincrement=False),
    # The name of the log in its checkpoints, which never changes.
    Column("origin", Text, nullable=False, unique=True),
    Column("size", BigInteger, nullable=False),
    Column("root", LargeBinary, nullable=False),
    # The date_added up to which the rows of the collection's log are in the tree.
    Column("sealed", BigInteger, nullable=False),
    # The last date_added of an object in the tree.
    Column("last_added", BigInteger, nullable=False),
    # The newest signed checkpoint, its size, and when it was signed; of size 0 and empty before the first.
    Column("noted", BigInteger, nullable=False),
    Column("signed", BigInteger, nullable=False),
    Column("note", LargeBinary, nullable=False),
)

# The entries of a tree and their salts, 256 to a row but for the last.
ledger_spans = Table(
    "ledger_spans",
    metadata,
    Column("collection", Integer, nullable=False),
    Column("number", BigInteger, nullable=False),
    # The last date_added of an object up to here.
    Column("last_added", BigInteger, nullable=False),
    Column("entries", LargeBinary, nullable=False),
    # Zeroes for what was erased.
    Column("salts", LargeBinary, nullable=False),
    PrimaryKeyConstraint("collection", "number"),
)

Index("ix_ledger_spans_collection_last_added", ledger_spans.c.collection, ledger_spans.c.last_added)

# The hashes of a tree above its leaves: tiles of level 1 and more, the last of each level not full yet.
ledger_tiles = Table(
    "ledger_tiles",
    metadata,
    Column("collection", Integer, nullable=False),
    Column("level", SmallInteger, nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("hashes", LargeBinary, nullable=False),
    PrimaryKeyConstraint("collection", "level", "number"),
)

# Signed checkpoints that are kept: those of the last minutes, one an hour, and those that witnesses cosigned.
ledger_heads = Table(
    "ledger_heads",
    metadata,
    Column("collection", Integer, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("signed", BigInteger, nullable=False),
    Column("cosigned", Boolean, nullable=False),
    Column("hourly", Boolean, nullable=False),
    # With the cosignatures.
    Column("note", LargeBinary, nullable=False),
    PrimaryKeyConstraint("collection", "size"),
)

# Entries that say that the object of an earlier one is gone, and of what was left in its place.
ledger_removals = Table(
    "ledger_removals",
    metadata,
    Column("collection", Integer, nullable=False),
    Column("entry", BigInteger, nullable=False),
    Column("removed", BigInteger, nullable=False),
    # NULL: nothing was left.
    Column("replacement", BigInteger),
    PrimaryKeyConstraint("collection", "entry"),
)

Index("ix_ledger_removals_collection_removed", ledger_removals.c.collection, ledger_removals.c.removed)

# What the hub stated of a collection: the sets for private matching, by their epochs.
ledger_statements = Table(
    "ledger_statements",
    metadata,
    Column("collection", Integer, nullable=False),
    Column("entry", BigInteger, nullable=False),
    Column("about", Text, nullable=False),
    # JSON, in canonical form.
    Column("body", LargeBinary, nullable=False),
    PrimaryKeyConstraint("collection", "entry"),
)

Index(
    "ix_ledger_statements_collection_about_entry",
    ledger_statements.c.collection,
    ledger_statements.c.about,
    ledger_statements.c.entry,
)

# The public keys that signed checkpoints of this store, the log's and the witness's.
ledger_keys = Table(
    "ledger_keys",
    metadata,
    Column("key", Text, primary_key=True),
    Column("since", BigInteger, nullable=False),
    # Until when it signs beside its successor; NULL: it has none.
    Column("until", BigInteger),
)

# Who may cosign the checkpoints of this hub, and where they are asked to; NULL: they come by themselves.
ledger_witnesses = Table(
    "ledger_witnesses",
    metadata,
    Column("name", Text, primary_key=True),
    Column("key", Text, nullable=False, unique=True),
    Column("url", Text),
    Column("added", BigInteger, nullable=False),
)

# The sizes of this hub's logs that each witness has cosigned.
ledger_witness_sizes = Table(
    "ledger_witness_sizes",
    metadata,
    Column("collection", Integer, nullable=False),
    Column("witness", Text, ForeignKey("ledger_witnesses.name"), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    PrimaryKeyConstraint("collection", "witness"),
)

# Other hubs, by the keys of their logs, that this hub is a witness for.
ledger_other_hubs = Table(
    "ledger_other_hubs",
    metadata,
    Column("name", Text, primary_key=True),
    Column("key", Text, nullable=False, unique=True),
    Column("added", BigInteger, nullable=False),
)

# The last checkpoint of each log of other hubs that this hub has cosigned.
ledger_other_logs = Table(
    "ledger_other_logs",
    metadata,
    Column("origin", Text, primary_key=True),
    Column("hub", Text, ForeignKey("ledger_other_hubs.name"), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("root", LargeBinary, nullable=False),
    Column("cosigned", BigInteger, nullable=False),
)
