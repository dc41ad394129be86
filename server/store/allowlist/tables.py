"""The table of this folder, in the metadata that all tables share."""

from sqlalchemy import BigInteger, Boolean, Column, Table, Text

from server.store.release_tables import metadata

__all__ = ["allowlist_entries", "metadata"]

# Values that an operator entered as harmless: a person looks at each report of them.
allowlist_entries = Table(
    "allowlist_entries",
    metadata,
    # The value, named as in the value index.
    Column("subject", Text, primary_key=True),
    # Of a domain: every host below it and every page on these too.
    Column("below", Boolean, nullable=False),
    Column("reason", Text, nullable=False),
    Column("added_by", Text, nullable=False),
    Column("added", BigInteger, nullable=False),
    # NULL: it has no end.
    Column("until", BigInteger),
)
