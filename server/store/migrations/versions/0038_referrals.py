"""Referrals of coerced account holders to focal points for protection."""

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "referrals",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("listing", sa.Text(), nullable=False),
        sa.Column("referred_to", sa.Text(), nullable=False),
        sa.Column("partner", sa.Text()),
        sa.Column("referred_by", sa.Text(), nullable=False),
        sa.Column("referred", sa.BigInteger(), nullable=False),
        sa.Column("answer", sa.Text()),
        sa.Column("answered", sa.BigInteger()),
        sa.Column("answered_by", sa.Text()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_referrals")),
    )
    op.create_index("ix_referrals_answered", "referrals", ["answered", "referred"])


def downgrade() -> None:
    op.drop_table("referrals")
