"""Totals of outcomes: the records that state some, and the sums of those that count."""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "outcome_records",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("partner", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("about", sa.LargeBinary(), nullable=False),
        sa.Column("referenced", sa.Boolean(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("scam_type", sa.Text(), nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("first_day", sa.Integer()),
        sa.Column("last_day", sa.Integer()),
        sa.Column("number", sa.BigInteger()),
        sa.Column("victims", sa.BigInteger()),
        sa.Column("amount", sa.Text()),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("stated", sa.BigInteger(), nullable=False),
        sa.Column("counted", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_outcome_records")),
    )
    op.create_index("ix_outcome_records_partner", "outcome_records", ["partner", "about"])
    op.create_table(
        "outcome_totals",
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("partner", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("scam_type", sa.Text(), nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("records", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("victims", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint(
            "day", "partner", "outcome", "kind", "scam_type", "country", "currency", name=op.f("pk_outcome_totals")
        ),
    )
    op.create_index("ix_outcome_totals_partner", "outcome_totals", ["partner", "day"])


def downgrade() -> None:
    op.drop_table("outcome_totals")
    op.drop_table("outcome_records")
