"""The tables of private matching, and of quotas that all partners share."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "match_grants",
        sa.Column("partner", sa.Text(), nullable=False),
        sa.Column("collection", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["partner"], ["partners.name"], name=op.f("fk_match_grants_partner")),
        sa.ForeignKeyConstraint(["collection"], ["collections.number"], name=op.f("fk_match_grants_collection")),
        sa.PrimaryKeyConstraint("partner", "collection", name=op.f("pk_match_grants")),
    )
    op.create_table(
        "match_sets",
        sa.Column("collection", sa.Integer(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("public", sa.LargeBinary(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("kept_from", sa.BigInteger(), nullable=False),
        sa.Column("read_up_to", sa.BigInteger(), nullable=False),
        sa.Column("changed", sa.Boolean(), nullable=False),
        sa.Column("issued", sa.BigInteger(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("bits", sa.SmallInteger(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["collection"], ["collections.number"], name=op.f("fk_match_sets_collection")),
        sa.PrimaryKeyConstraint("collection", "epoch", name=op.f("pk_match_sets")),
    )
    op.create_table(
        "match_rows",
        sa.Column("collection", sa.Integer(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("name", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("ends", sa.BigInteger(), nullable=True),
        sa.Column("added", sa.BigInteger(), nullable=False),
        sa.Column("removed", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("collection", "epoch", "name", name=op.f("pk_match_rows")),
    )
    _index("added")
    _index("removed", "removed IS NOT NULL")
    _index("ends", "removed IS NULL AND ends IS NOT NULL")
    op.create_table(
        "shared_quotas",
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("began", sa.BigInteger(), nullable=False),
        sa.Column("used", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("unit", name=op.f("pk_shared_quotas")),
    )


def _index(column: str, where: str | None = None) -> None:
    partial = sa.text(where) if where else None
    columns = ["collection", "epoch", column]
    op.create_index(f"ix_match_rows_{column}", "match_rows", columns, sqlite_where=partial, postgresql_where=partial)


def downgrade() -> None:
    for table in ("shared_quotas", "match_rows", "match_sets", "match_grants"):
        op.drop_table(table)
