"""The tables of this folder, in the metadata that all tables share."""

from sqlalchemy import BigInteger, Column, ForeignKey, LargeBinary, Table, Text

from server.store.release_tables import metadata

__all__ = ["erased_names", "erasures", "metadata"]

# Each erasure: what kind of value, why, by which two persons, and what was removed; never the value.
erasures = Table(
    "erasures",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("proposed_by", Text, nullable=False),
    Column("confirmed_by", Text, nullable=False),
    Column("begun", BigInteger, nullable=False),
    # NULL: not yet.
    Column("ended", BigInteger),
    # The numbers of what was removed, as JSON.
    Column("counts", LargeBinary, nullable=False),
)

# Names of erased values, as digests by a secret of the hub: a later report of one is held for review.
erased_names = Table(
    "erased_names",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("erasure", Text, ForeignKey("erasures.id"), nullable=False),
)
