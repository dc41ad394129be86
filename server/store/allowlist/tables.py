"""The table of this folder, in the metadata that all tables share."""

from sqlalchemy import BigInteger, Boolean, Column, Table, Text

from server.store.release_tables import metadata
from server.store.tables import CLEANED, ROW

__all__ = ["allowlist_entries", "metadata"]

# Values that an operator entered as harmless. Every report of them is held for review.
allowlist_entries = Table(
    "allowlist_entries",
    metadata,
    # The value, named as in the value index.
    # An erasure also removes an entry of a value that contains the erased one, such as a page on the domain.
    Column("subject", Text, primary_key=True, info=ROW),
    # For a domain: includes every host below it, and every page on these.
    Column("below", Boolean, nullable=False),
    Column("reason", Text, nullable=False, info=CLEANED),
    Column("added_by", Text, nullable=False, info=CLEANED),
    Column("added", BigInteger, nullable=False),
    # NULL: it does not expire.
    Column("until", BigInteger),
)
