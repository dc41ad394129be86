"""What each keeper has still to answer, and what it answered, in order."""

import sqlalchemy as sa
from alembic import op

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None

_OPEN = sa.text('answered IS NULL AND "left" IS NULL')
_ANSWERED = sa.text("answered IS NOT NULL")


def upgrade() -> None:
    op.create_index(
        "ix_kept_accounts_waiting",
        "kept_accounts",
        ["partner", "since"],
        sqlite_where=_OPEN,
        postgresql_where=_OPEN,
    )
    op.create_index(
        "ix_kept_accounts_answered",
        "kept_accounts",
        ["partner", "answered"],
        sqlite_where=_ANSWERED,
        postgresql_where=_ANSWERED,
    )


def downgrade() -> None:
    op.drop_index("ix_kept_accounts_answered", "kept_accounts")
    op.drop_index("ix_kept_accounts_waiting", "kept_accounts")
