"""Orders of persons to the schedule."""

import sqlalchemy as sa
from alembic import op

revision = "0048"
down_revision = "0047"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "feed_orders",
        sa.Column("feed", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("asked", sa.BigInteger(), nullable=False),
        sa.Column("begun", sa.BigInteger()),
        sa.Column("ended", sa.BigInteger()),
        sa.Column("result", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("feed", name=op.f("pk_feed_orders")),
    )


def downgrade() -> None:
    op.drop_table("feed_orders")
