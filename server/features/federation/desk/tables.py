"""The tables of the desk of peers, in the metadata that all tables share."""

from sqlalchemy import BigInteger, Column, Index, LargeBinary, PrimaryKeyConstraint, Table, Text

from server.store.tables import CLEANED, STAYS, metadata

__all__ = ["hub_conflicts", "hub_erasures", "hub_knowledge", "hub_retained", "metadata"]

# Each peer's statement about this hub in its last answer with heads.
hub_knowledge = Table(
    "hub_knowledge",
    metadata,
    Column("peer", Text, primary_key=True, info=STAYS),
    # The newest number that it has of this hub.
    Column("number", BigInteger, nullable=False),
    # The ids of erased hub reports of this hub whose values the peer's own partners report, as JSON.
    Column("retained", LargeBinary, nullable=False, info=STAYS),
    Column("at", BigInteger, nullable=False),
)

# Values with different findings of two hubs, or of a hub and of this hub's provider.
hub_conflicts = Table(
    "hub_conflicts",
    metadata,
    Column("subject", Text, primary_key=True, info=CLEANED),
    # The findings by hub as JSON; this hub is "".
    Column("findings", LargeBinary, nullable=False, info=STAYS),
    Column("since", BigInteger, nullable=False),
)

# The hub reports of this hub that an erasure replaced by tombstones.
hub_erasures = Table(
    "hub_erasures",
    metadata,
    Column("erasure", Text, nullable=False, info=STAYS),
    Column("id", Text, nullable=False, info=STAYS),
    PrimaryKeyConstraint("erasure", "id"),
)

# Erased hub reports of other hubs whose values this hub's own partners reported then.
hub_retained = Table(
    "hub_retained",
    metadata,
    Column("origin", Text, nullable=False, info=STAYS),
    Column("id", Text, nullable=False, info=STAYS),
    Column("subject", Text, nullable=False, info=CLEANED),
    PrimaryKeyConstraint("origin", "id"),
    Index("ix_hub_retained_subject", "subject"),
)
