"""The tables of this folder, in the metadata that all tables share."""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, LargeBinary, SmallInteger, Table, Text
from sqlalchemy.schema import PrimaryKeyConstraint

from server.store.release_tables import metadata
from server.store.tables import APART

# The tree of each readable collection with published objects.
ledger_trees = Table(
    "ledger_trees",
    metadata,
    Column(
        "collection",
        Integer,
        ForeignKey("collections.number", name="fk_ledger_trees_collection_collections"),
        primary_key=True,
        autoincrement=False,
    ),
    # The name of the log in its checkpoints. It never changes.
    Column("origin", Text, nullable=False, unique=True, info=APART),
    Column("size", BigInteger, nullable=False),
    Column("root", LargeBinary, nullable=False, info=APART),
    # The date_added up to which the rows of the collection's log are in the tree.
    Column("sealed", BigInteger, nullable=False),
    # The last date_added of an object in the tree.
    Column("last_added", BigInteger, nullable=False),
    # The newest signed checkpoint, its size, and when it was signed; size 0 and empty before the first.
    Column("noted", BigInteger, nullable=False),
    Column("signed", BigInteger, nullable=False),
    Column("note", LargeBinary, nullable=False, info=APART),
)

# The entries of a tree and their salts, 256 per row except in the last.
ledger_spans = Table(
    "ledger_spans",
    metadata,
    Column("collection", Integer, nullable=False),
    Column("number", BigInteger, nullable=False),
    # The last date_added of an object up to here.
    Column("last_added", BigInteger, nullable=False),
    Column("entries", LargeBinary, nullable=False, info=APART),
    # Zeroes for erased salts.
    Column("salts", LargeBinary, nullable=False, info=APART),
    PrimaryKeyConstraint("collection", "number"),
)

Index("ix_ledger_spans_collection_last_added", ledger_spans.c.collection, ledger_spans.c.last_added)

# The hashes of a tree above its leaves: tiles of level 1 and more. The last one of each level is incomplete.
ledger_tiles = Table(
    "ledger_tiles",
    metadata,
    Column("collection", Integer, nullable=False),
    Column("level", SmallInteger, nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("hashes", LargeBinary, nullable=False, info=APART),
    PrimaryKeyConstraint("collection", "level", "number"),
)

# Stored signed checkpoints: those of the last minutes, one per hour, and cosigned ones.
ledger_heads = Table(
    "ledger_heads",
    metadata,
    Column("collection", Integer, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("signed", BigInteger, nullable=False),
    Column("cosigned", Boolean, nullable=False),
    Column("hourly", Boolean, nullable=False),
    # With the cosignatures.
    Column("note", LargeBinary, nullable=False, info=APART),
    PrimaryKeyConstraint("collection", "size"),
)

# Entries recording that the object of an earlier one is gone, and the entries of their replacements.
ledger_removals = Table(
    "ledger_removals",
    metadata,
    Column("collection", Integer, nullable=False),
    Column("entry", BigInteger, nullable=False),
    Column("removed", BigInteger, nullable=False),
    # NULL: nothing was left.
    Column("replacement", BigInteger),
    PrimaryKeyConstraint("collection", "entry"),
    info=APART,
)

Index("ix_ledger_removals_collection_removed", ledger_removals.c.collection, ledger_removals.c.removed)

# The hub's statements about a collection: the sets for private matching, by their epochs.
ledger_statements = Table(
    "ledger_statements",
    metadata,
    Column("collection", Integer, nullable=False),
    Column("entry", BigInteger, nullable=False),
    Column("about", Text, nullable=False, info=APART),
    # JSON, in canonical form.
    Column("body", LargeBinary, nullable=False, info=APART),
    PrimaryKeyConstraint("collection", "entry"),
)

Index(
    "ix_ledger_statements_collection_about_entry",
    ledger_statements.c.collection,
    ledger_statements.c.about,
    ledger_statements.c.entry,
)

# The public keys that signed checkpoints of this store: the log's and the witness's.
ledger_keys = Table(
    "ledger_keys",
    metadata,
    Column("key", Text, primary_key=True, info=APART),
    Column("since", BigInteger, nullable=False),
    # Until when it signs along with its successor; NULL: no successor.
    Column("until", BigInteger),
)

# The witnesses that may cosign this hub's checkpoints, and their addresses; NULL: they fetch the checkpoints.
ledger_witnesses = Table(
    "ledger_witnesses",
    metadata,
    Column("name", Text, primary_key=True, info=APART),
    Column("key", Text, nullable=False, unique=True, info=APART),
    Column("url", Text, info=APART),
    Column("added", BigInteger, nullable=False),
)

# The sizes of this hub's logs that each witness has cosigned.
ledger_witness_sizes = Table(
    "ledger_witness_sizes",
    metadata,
    Column("collection", Integer, nullable=False),
    Column(
        "witness",
        Text,
        ForeignKey("ledger_witnesses.name", name="fk_ledger_witness_sizes_witness_ledger_witnesses"),
        nullable=False,
        info=APART,
    ),
    Column("size", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    PrimaryKeyConstraint("collection", "witness"),
)

# Other hubs, by the keys of their logs, for which this hub is a witness.
ledger_other_hubs = Table(
    "ledger_other_hubs",
    metadata,
    Column("name", Text, primary_key=True, info=APART),
    Column("key", Text, nullable=False, unique=True, info=APART),
    Column("added", BigInteger, nullable=False),
)

# The last checkpoint of each log of other hubs that this hub has cosigned.
ledger_other_logs = Table(
    "ledger_other_logs",
    metadata,
    Column("origin", Text, primary_key=True, info=APART),
    Column(
        "hub",
        Text,
        ForeignKey("ledger_other_hubs.name", name="fk_ledger_other_logs_hub_ledger_other_hubs"),
        nullable=False,
        info=APART,
    ),
    Column("size", BigInteger, nullable=False),
    Column("root", LargeBinary, nullable=False, info=APART),
    Column("cosigned", BigInteger, nullable=False),
)
