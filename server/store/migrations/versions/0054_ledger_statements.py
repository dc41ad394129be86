"""Statements of the hub in the ledger."""

import sqlalchemy as sa
from alembic import op

revision = "0054"
down_revision = "0053"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "ledger_statements",
        sa.Column("collection", sa.Integer(), nullable=False),
        sa.Column("entry", sa.BigInteger(), nullable=False),
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("collection", "entry", name=op.f("pk_ledger_statements")),
    )
    op.create_index(
        "ix_ledger_statements_collection_about_entry", "ledger_statements", ["collection", "about", "entry"]
    )


def downgrade() -> None:
    op.drop_table("ledger_statements")
