"""The tables of this folder, in the metadata that all tables share."""

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)

from server.store.release_tables import metadata

__all__ = [
    "evidence_custody",
    "evidence_files",
    "evidence_leftovers",
    "evidence_links",
    "evidence_members",
    "metadata",
]

# Files of evidence; times in microseconds. No names of files: they may name people.
evidence_files = Table(
    "evidence_files",
    metadata,
    # Drawn at random.
    Column("id", Text, primary_key=True),
    # The partner that brought it.
    Column("partner", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("media_type", Text, nullable=False),
    Column("added", BigInteger, nullable=False),
    # The name in the store of files, and the file's own key, encrypted; NULL: the file stays with its holder.
    Column("place", Text),
    Column("key", LargeBinary),
    # The time-stamp of an authority.
    Column("token", LargeBinary),
    UniqueConstraint("partner", "sha256", name="uq_evidence_files_partner"),
    Index("ix_evidence_files_sha256", "sha256"),
    Index("ix_evidence_files_added", "added"),
)

# The reports and cases that a file belongs to, by their keys in the inbox.
evidence_links = Table(
    "evidence_links",
    metadata,
    Column("evidence", Text, ForeignKey("evidence_files.id", ondelete="CASCADE"), nullable=False),
    Column("object", Text, nullable=False),
    PrimaryKeyConstraint("evidence", "object"),
    Index("ix_evidence_links_object", "object"),
)

# The partners to whom the files of a report or a case were handed over.
evidence_members = Table(
    "evidence_members",
    metadata,
    Column("object", Text, nullable=False),
    Column("partner", Text, nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("by", Text, nullable=False),
    PrimaryKeyConstraint("object", "partner"),
    Index("ix_evidence_members_partner", "partner"),
)

# Who did what with a file, in a chain of hashes.
evidence_custody = Table(
    "evidence_custody",
    metadata,
    Column("evidence", Text, ForeignKey("evidence_files.id", ondelete="CASCADE"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("by", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("partner", Text),
    Column("hash", LargeBinary, nullable=False),
    PrimaryKeyConstraint("evidence", "number"),
)

# Files in the store that nobody may have any more, until they are removed there; their keys are gone.
evidence_leftovers = Table(
    "evidence_leftovers",
    metadata,
    Column("place", Text, primary_key=True),
    Column("since", BigInteger, nullable=False),
)
