"""Versions of the facts that change rarely, so that a process reads them again only after a change."""

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    table = op.create_table(
        "fact_versions",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_fact_versions")),
    )
    names = ("records", "registry", "values")
    op.bulk_insert(table, [{"name": name, "version": secrets.randbits(63)} for name in names])


def downgrade() -> None:
    op.drop_table("fact_versions")
