"""The table of this folder, in the metadata that all tables share."""

from sqlalchemy import BigInteger, Column, Integer, Table, Text

from server.store.release_tables import metadata
from server.store.tables import CLEANED

__all__ = ["metadata", "policies"]

# Each policy that took effect, in order. None is ever changed or removed.
policies = Table(
    "policies",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    # The rules as TOML in normal form.
    Column("rules", Text, nullable=False, info=CLEANED),
    # Their source: the configuration, the default, or a decision of two persons.
    Column("source", Text, nullable=False, info=CLEANED),
    Column("since", BigInteger, nullable=False),
    Column("proposed_by", Text, info=CLEANED),
    Column("confirmed_by", Text, info=CLEANED),
    Column("note", Text, info=CLEANED),
)
