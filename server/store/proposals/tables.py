"""The table of this folder, in the metadata that all tables share."""

from sqlalchemy import BigInteger, Column, Index, LargeBinary, Table, Text

from server.store.release_tables import metadata

__all__ = ["metadata", "proposals"]

# What a person proposed, and what another one, or time, made of it.
proposals = Table(
    "proposals",
    metadata,
    Column("id", Text, primary_key=True),
    # The word of the action; its arguments and what it will do, line by line, as JSON, emptied by an erasure.
    Column("action", Text, nullable=False),
    Column("arguments", LargeBinary, nullable=False),
    Column("effects", LargeBinary, nullable=False),
    # A digest of everything that the effects follow from: another one makes the proposal void.
    Column("basis", LargeBinary, nullable=False),
    Column("note", Text),
    Column("proposed_by", Text, nullable=False),
    Column("proposed", BigInteger, nullable=False),
    Column("expires", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("decided_by", Text),
    Column("decided", BigInteger),
    Index("ix_proposals_state", "state", "proposed"),
    Index("ix_proposals_proposed_by", "proposed_by", "state"),
    Index("ix_proposals_proposed", "proposed", "id"),
)
