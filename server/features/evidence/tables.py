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
from server.store.tables import CLEANED

__all__ = [
    "evidence_custody",
    "evidence_files",
    "evidence_leftovers",
    "evidence_links",
    "evidence_members",
    "metadata",
]

# Files of evidence; times in microseconds. File names are not stored, because they may name people.
evidence_files = Table(
    "evidence_files",
    metadata,
    # Random.
    Column("id", Text, primary_key=True, info=CLEANED),
    # The partner that submitted it.
    Column("partner", Text, nullable=False, info=CLEANED),
    Column("sha256", Text, nullable=False, info=CLEANED),
    Column("size", BigInteger, nullable=False),
    Column("media_type", Text, nullable=False, info=CLEANED),
    Column("added", BigInteger, nullable=False),
    # The name in the file store, and the file's own key, encrypted; NULL: the file stays with its holder.
    Column("place", Text, info=CLEANED),
    Column("key", LargeBinary, info=CLEANED),
    # The time-stamp of an authority.
    Column("token", LargeBinary, info=CLEANED),
    UniqueConstraint("partner", "sha256", name="uq_evidence_files_partner"),
    Index("ix_evidence_files_sha256", "sha256"),
    Index("ix_evidence_files_added", "added"),
)

# The reports and cases of a file, by their keys in the inbox.
evidence_links = Table(
    "evidence_links",
    metadata,
    Column("evidence", Text, ForeignKey("evidence_files.id", ondelete="CASCADE"), nullable=False, info=CLEANED),
    Column("object", Text, nullable=False, info=CLEANED),
    PrimaryKeyConstraint("evidence", "object"),
    Index("ix_evidence_links_object", "object"),
)

# The partners with which the files of a report or a case are shared.
evidence_members = Table(
    "evidence_members",
    metadata,
    Column("object", Text, nullable=False, info=CLEANED),
    Column("partner", Text, nullable=False, info=CLEANED),
    Column("since", BigInteger, nullable=False),
    Column("by", Text, nullable=False, info=CLEANED),
    PrimaryKeyConstraint("object", "partner"),
    Index("ix_evidence_members_partner", "partner"),
)

# The actions on each file, in a chain of hashes.
evidence_custody = Table(
    "evidence_custody",
    metadata,
    Column("evidence", Text, ForeignKey("evidence_files.id", ondelete="CASCADE"), nullable=False, info=CLEANED),
    Column("number", Integer, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("by", Text, nullable=False, info=CLEANED),
    Column("action", Text, nullable=False, info=CLEANED),
    Column("partner", Text, info=CLEANED),
    Column("hash", LargeBinary, nullable=False, info=CLEANED),
    PrimaryKeyConstraint("evidence", "number"),
)

# Expired files in the file store, until they are removed there. Their keys are already deleted.
evidence_leftovers = Table(
    "evidence_leftovers",
    metadata,
    Column("place", Text, primary_key=True, info=CLEANED),
    Column("since", BigInteger, nullable=False),
)
