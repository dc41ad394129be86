"""The tables of members of several hubs, in the metadata that all tables share."""

from sqlalchemy import BigInteger, Boolean, Column, PrimaryKeyConstraint, Table, Text

from server.store.tables import CLEANED, STAYS, metadata

__all__ = ["hub_overlaps", "metadata", "partner_registers"]

# The numbers of organisations in registers of companies, by which hubs find common members.
partner_registers = Table(
    "partner_registers",
    metadata,
    # The organisation, by the key that its partners count as.
    Column("organisation", Text, nullable=False, info=CLEANED),
    Column("number", Text, nullable=False, info=CLEANED),
    PrimaryKeyConstraint("organisation", "number"),
)

# The result of the last comparisons with each peer: its common members, and a row without one for the comparison.
hub_overlaps = Table(
    "hub_overlaps",
    metadata,
    Column("origin", Text, nullable=False, info=STAYS),
    # "here": this hub compared; "there": the peer did, and told the result.
    Column("side", Text, nullable=False, info=STAYS),
    # The organisation, by the key that its partners count as; empty for the comparison itself.
    Column("organisation", Text, nullable=False, info=CLEANED),
    # Both hubs have the same secret of the organisation.
    Column("linked", Boolean, nullable=False),
    Column("compared", BigInteger, nullable=False),
    PrimaryKeyConstraint("origin", "side", "organisation"),
)
