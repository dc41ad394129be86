"""The table of this folder, in the metadata that all tables share."""

from sqlalchemy import BigInteger, Column, Integer, Table, Text

from server.store.release_tables import metadata

__all__ = ["metadata", "policies"]

# Each policy that came into force, in this order: none is ever changed or removed.
policies = Table(
    "policies",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    # The rules as TOML, in one form.
    Column("rules", Text, nullable=False),
    # Where they come from: the configuration, the default, or two persons that decided so.
    Column("source", Text, nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("proposed_by", Text),
    Column("confirmed_by", Text),
    Column("note", Text),
)
