"""The steps by which each partner read each collection."""

import sqlalchemy as sa
from alembic import op

revision = "0051"
down_revision = "0050"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "read_steps",
        sa.Column("collection", sa.Text(), nullable=False),
        sa.Column("partner", sa.Text(), nullable=False),
        sa.Column("read_up_to", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("collection", "partner", "read_up_to", name=op.f("pk_read_steps")),
    )
    op.create_index("ix_read_steps_at", "read_steps", ["at"])


def downgrade() -> None:
    op.drop_table("read_steps")
