"""The table of what partners keep and others report, with their answers."""

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

_OPEN = sa.text('answered IS NULL AND "left" IS NULL')


def upgrade() -> None:
    op.create_table(
        "kept_accounts",
        sa.Column("partner", sa.Text(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("left", sa.BigInteger()),
        sa.Column("code", sa.Text()),
        sa.Column("answered", sa.BigInteger()),
        sa.Column("overruled", sa.BigInteger()),
        sa.PrimaryKeyConstraint("partner", "value", name=op.f("pk_kept_accounts")),
    )
    op.create_index("ix_kept_accounts_value", "kept_accounts", ["value"])
    op.create_index("ix_kept_accounts_open", "kept_accounts", ["since"], sqlite_where=_OPEN, postgresql_where=_OPEN)


def downgrade() -> None:
    op.drop_table("kept_accounts")
