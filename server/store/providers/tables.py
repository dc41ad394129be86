"""The table of this folder, in the metadata that all tables share."""

from sqlalchemy import BigInteger, Column, Index, PrimaryKeyConstraint, Table, Text, text

from server.store.release_tables import metadata
from server.store.tables import CLEANED

__all__ = ["kept_accounts", "metadata"]

# A provider's reported values: since when the provider knows, and its finding. No row without a listing.
kept_accounts = Table(
    "kept_accounts",
    metadata,
    Column("partner", Text, nullable=False, info=CLEANED),
    # The number of the value, as in subjects.
    Column("value", BigInteger, nullable=False),
    # When it was last listed for the partner. `left` is NULL while it is listed.
    Column("since", BigInteger, nullable=False),
    Column("left", BigInteger),
    # The last finding about it, and its time; NULL: none yet.
    Column("code", Text, info=CLEANED),
    Column("answered", BigInteger),
    # The provider's own reference for that finding.
    Column("reference", Text, info=CLEANED),
    # When two persons last decided for the reports and against the finding.
    Column("overruled", BigInteger),
    PrimaryKeyConstraint("partner", "value"),
)

Index("ix_kept_accounts_value", kept_accounts.c.value)
# The open and the completed findings of each provider, in the order of display.
Index(
    "ix_kept_accounts_waiting",
    kept_accounts.c.partner,
    kept_accounts.c.since,
    sqlite_where=text('answered IS NULL AND "left" IS NULL'),
    postgresql_where=text('answered IS NULL AND "left" IS NULL'),
)
Index(
    "ix_kept_accounts_answered",
    kept_accounts.c.partner,
    kept_accounts.c.answered,
    sqlite_where=text("answered IS NOT NULL"),
    postgresql_where=text("answered IS NOT NULL"),
)
# Values without a finding, a small part of all.
Index(
    "ix_kept_accounts_open",
    kept_accounts.c.since,
    sqlite_where=text('answered IS NULL AND "left" IS NULL'),
    postgresql_where=text('answered IS NULL AND "left" IS NULL'),
)
