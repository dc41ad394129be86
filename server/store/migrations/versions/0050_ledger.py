"""The ledger: trees, spans of entries, tiles, signed heads, removals, keys and witnesses."""

import sqlalchemy as sa
from alembic import op

revision = "0050"
down_revision = "0049"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "ledger_trees",
        sa.Column("collection", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.BigInteger(), nullable=False),
        sa.Column("last_added", sa.BigInteger(), nullable=False),
        sa.Column("noted", sa.BigInteger(), nullable=False),
        sa.Column("signed", sa.BigInteger(), nullable=False),
        sa.Column("note", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["collection"], ["collections.number"], name=op.f("fk_ledger_trees_collection_collections")
        ),
        sa.PrimaryKeyConstraint("collection", name=op.f("pk_ledger_trees")),
        sa.UniqueConstraint("origin", name=op.f("uq_ledger_trees_origin")),
    )
    op.create_table(
        "ledger_spans",
        sa.Column("collection", sa.Integer(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("last_added", sa.BigInteger(), nullable=False),
        sa.Column("entries", sa.LargeBinary(), nullable=False),
        sa.Column("salts", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("collection", "number", name=op.f("pk_ledger_spans")),
    )
    op.create_index("ix_ledger_spans_collection_last_added", "ledger_spans", ["collection", "last_added"])
    op.create_table(
        "ledger_tiles",
        sa.Column("collection", sa.Integer(), nullable=False),
        sa.Column("level", sa.SmallInteger(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("hashes", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("collection", "level", "number", name=op.f("pk_ledger_tiles")),
    )
    op.create_table(
        "ledger_heads",
        sa.Column("collection", sa.Integer(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("signed", sa.BigInteger(), nullable=False),
        sa.Column("cosigned", sa.Boolean(), nullable=False),
        sa.Column("hourly", sa.Boolean(), nullable=False),
        sa.Column("note", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("collection", "size", name=op.f("pk_ledger_heads")),
    )
    op.create_table(
        "ledger_removals",
        sa.Column("collection", sa.Integer(), nullable=False),
        sa.Column("entry", sa.BigInteger(), nullable=False),
        sa.Column("removed", sa.BigInteger(), nullable=False),
        sa.Column("replacement", sa.BigInteger()),
        sa.PrimaryKeyConstraint("collection", "entry", name=op.f("pk_ledger_removals")),
    )
    op.create_index("ix_ledger_removals_collection_removed", "ledger_removals", ["collection", "removed"])
    op.create_table(
        "ledger_keys",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger()),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_ledger_keys")),
    )
    op.create_table(
        "ledger_witnesses",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("url", sa.Text()),
        sa.Column("added", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_ledger_witnesses")),
        sa.UniqueConstraint("key", name=op.f("uq_ledger_witnesses_key")),
    )
    op.create_table(
        "ledger_witness_sizes",
        sa.Column("collection", sa.Integer(), nullable=False),
        sa.Column("witness", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["witness"], ["ledger_witnesses.name"], name=op.f("fk_ledger_witness_sizes_witness_ledger_witnesses")
        ),
        sa.PrimaryKeyConstraint("collection", "witness", name=op.f("pk_ledger_witness_sizes")),
    )
    op.create_table(
        "ledger_other_hubs",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("added", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_ledger_other_hubs")),
        sa.UniqueConstraint("key", name=op.f("uq_ledger_other_hubs_key")),
    )
    op.create_table(
        "ledger_other_logs",
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("hub", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("cosigned", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["hub"], ["ledger_other_hubs.name"], name=op.f("fk_ledger_other_logs_hub_ledger_other_hubs")
        ),
        sa.PrimaryKeyConstraint("origin", name=op.f("pk_ledger_other_logs")),
    )


def downgrade() -> None:
    for table in (
        *("ledger_other_logs", "ledger_other_hubs", "ledger_witness_sizes", "ledger_witnesses", "ledger_keys"),
        *("ledger_removals", "ledger_heads", "ledger_tiles", "ledger_spans", "ledger_trees"),
    ):
        op.drop_table(table)
