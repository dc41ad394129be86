"""The tables of liveness, in the metadata that all tables share."""

from sqlalchemy import BigInteger, Column, Index, Integer, Table, Text

from server.store.tables import APART, ROW, STAYS, metadata

__all__ = ["live_hosts", "live_values", "metadata"]

# The hosts of listed values, and the observations of each.
live_hosts = Table(
    "live_hosts",
    metadata,
    Column("host", Text, primary_key=True, info=ROW),
    # When the first of its values was noted, and the number of scheduled checks since.
    Column("first", BigInteger, nullable=False),
    Column("checks", Integer, nullable=False),
    Column("next", BigInteger, nullable=False),
    Column("checked", BigInteger),
    # The last observation (there, gone), and its first time; NULL: no observation yet.
    Column("seen", Text, info=APART),
    Column("since", BigInteger),
    # The fact: gone since that moment. NULL: it is there, or this is not certain.
    Column("gone", BigInteger),
    # The last registration that RDAP told, and since when it told that.
    Column("registered", BigInteger),
    Column("registered_since", BigInteger),
    Index("ix_live_hosts_next", "next"),
    Index("ix_live_hosts_gone", "gone"),
)

live_values = Table(
    "live_values",
    metadata,
    Column("subject", Text, primary_key=True, info=ROW),
    Column("host", Text, nullable=False, info=ROW),
    Column("listed", BigInteger, nullable=False),
    # When its listing ended because its domain has a new owner.
    Column("ended", BigInteger),
    Column("listing", Text, nullable=False, info=STAYS),
    Index("ix_live_values_host", "host"),
    Index("ix_live_values_ended", "ended"),
)
