"""The tables of this folder, in the metadata that all tables share."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    false,
)

from server.store.tables import APART, CLEANED, metadata

__all__ = ["metadata", "upload_columns", "upload_pieces", "upload_rows", "uploads"]

# Files that partners upload, until they expire. Moments are in microseconds.
uploads = Table(
    "uploads",
    metadata,
    # Random.
    Column("id", Text, primary_key=True, info=CLEANED),
    Column("partner", Text, ForeignKey("partners.name", name="fk_uploads_partner"), nullable=False, info=CLEANED),
    # The user who works on it last, and the right of that user.
    Column("by", Text, nullable=False, info=CLEANED),
    Column("role", Text, nullable=False, info=CLEANED),
    Column("name", Text, nullable=False, info=CLEANED),
    Column("size", BigInteger, nullable=False),
    Column("received", BigInteger, nullable=False),
    Column("expires", BigInteger, nullable=False),
    Column("state", Text, nullable=False, info=CLEANED),
    # Whether the file itself is still stored.
    Column("has_file", Boolean, nullable=False, server_default=false()),
    # The settings and the results of its reading, as JSON.
    Column("settings", LargeBinary, nullable=False, info=CLEANED),
    Column("report", LargeBinary, nullable=False, info=CLEANED),
    # The reading whose rows apply; a new reading writes rows beside them.
    Column("reading", Integer, nullable=False, server_default="0"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    # Until when a worker has it, the name of that worker, and when the last one began.
    Column("lease", BigInteger, nullable=False, server_default="0"),
    Column("holder", Text, nullable=False, server_default="", info=APART),
    Column("begun", BigInteger, nullable=False, server_default="0"),
    # Bytes that are read, and blocks of rows that are sent.
    Column("done", BigInteger, nullable=False, server_default="0"),
    Index("ix_uploads_partner", "partner", "received"),
    Index("ix_uploads_state", "state", "begun"),
)

# The bytes of each file, compressed, in pieces. An erasure removes all of them.
upload_pieces = Table(
    "upload_pieces",
    metadata,
    Column("upload", Text, ForeignKey("uploads.id", ondelete="CASCADE"), nullable=False, info=APART),
    Column("number", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False, info=APART),
    PrimaryKeyConstraint("upload", "number"),
)

# The rows of each file as they are understood, in blocks, as JSON.
upload_rows = Table(
    "upload_rows",
    metadata,
    Column("upload", Text, ForeignKey("uploads.id", ondelete="CASCADE"), nullable=False, info=CLEANED),
    Column("reading", Integer, nullable=False),
    Column("number", Integer, nullable=False),
    Column("rows", Integer, nullable=False),
    # Rows of the block that are refused, held for review, and changed by a person.
    Column("refused", Integer, nullable=False),
    Column("held", Integer, nullable=False),
    Column("changed", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False, info=CLEANED),
    PrimaryKeyConstraint("upload", "reading", "number"),
)

# Columns that a partner has named once: the heading in a form for comparison, and the field that it fills.
upload_columns = Table(
    "upload_columns",
    metadata,
    Column(
        "partner", Text, ForeignKey("partners.name", name="fk_upload_columns_partner"), nullable=False, info=CLEANED
    ),
    Column("heading", Text, nullable=False, info=CLEANED),
    Column("shown", Text, nullable=False, info=CLEANED),
    Column("field", Text, nullable=False, info=CLEANED),
    Column("by", Text, nullable=False, info=CLEANED),
    Column("at", BigInteger, nullable=False),
    PrimaryKeyConstraint("partner", "heading"),
)
