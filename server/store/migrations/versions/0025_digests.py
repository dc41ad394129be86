"""Digests of active sets, with which a partner's own copy is compared."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "digests",
        sa.Column("collection", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("folded", sa.BigInteger(), nullable=False),
        sa.Column("target", sa.BigInteger(), nullable=True),
        sa.Column("minute", sa.BigInteger(), nullable=False),
        sa.Column("active", sa.BigInteger(), nullable=False),
        sa.Column("sum", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["collection"], ["collections.number"], name=op.f("fk_digests_collection")
        ),
        sa.PrimaryKeyConstraint("collection", name=op.f("pk_digests")),
    )
    op.create_table(
        "digest_buckets",
        sa.Column("collection", sa.Integer(), nullable=False),
        sa.Column("minute", sa.BigInteger(), nullable=False),
        sa.Column("active", sa.BigInteger(), nullable=False),
        sa.Column("sum", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["collection"], ["collections.number"], name=op.f("fk_digest_buckets_collection")
        ),
        sa.PrimaryKeyConstraint("collection", "minute", name=op.f("pk_digest_buckets")),
    )


def downgrade() -> None:
    op.drop_table("digest_buckets")
    op.drop_table("digests")
