"""Outcomes that count in figures for anybody, and the records of totals by the day on which they count."""

import sqlalchemy as sa
from alembic import op

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "trend_open_outcomes",
        sa.Column("key", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_trend_open_outcomes")),
    )
    op.create_index("ix_outcome_records_day", "outcome_records", ["day"])


def downgrade() -> None:
    raise NotImplementedError("restore the backup that was made before the upgrade")
