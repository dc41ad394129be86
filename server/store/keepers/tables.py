"""The table of this folder, in the metadata that all tables share."""

from sqlalchemy import BigInteger, Column, Index, PrimaryKeyConstraint, Table, Text, text

from server.store.release_tables import metadata

__all__ = ["kept_accounts", "metadata"]

# What a partner keeps and others report: since when the partner knows, and its answer; no row without a listing.
kept_accounts = Table(
    "kept_accounts",
    metadata,
    Column("partner", Text, nullable=False),
    # The number of the value, as in subjects.
    Column("value", BigInteger, nullable=False),
    # When it was last listed for the partner; NULL in `left` while it is.
    Column("since", BigInteger, nullable=False),
    Column("left", BigInteger),
    # The last answer to that, and when it came; NULL: none yet.
    Column("code", Text),
    Column("answered", BigInteger),
    # When two persons last decided for the reports and against the answer.
    Column("overruled", BigInteger),
    PrimaryKeyConstraint("partner", "value"),
)

Index("ix_kept_accounts_value", kept_accounts.c.value)
# What each partner has still to answer, and what it answered, in the order in which a person looks at it.
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
# Those that wait for an answer, which are few of all.
Index(
    "ix_kept_accounts_open",
    kept_accounts.c.since,
    sqlite_where=text('answered IS NULL AND "left" IS NULL'),
    postgresql_where=text('answered IS NULL AND "left" IS NULL'),
)
