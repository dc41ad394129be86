"""Which stretches of the log have changed since they were written."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "rewrites",
        sa.Column("collection", sa.Integer(), nullable=False),
        sa.Column("span", sa.BigInteger(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["collection"], ["collections.number"], name=op.f("fk_rewrites_collection")),
        sa.PrimaryKeyConstraint("collection", "span", name=op.f("pk_rewrites")),
    )


def downgrade() -> None:
    op.drop_table("rewrites")
