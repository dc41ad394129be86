"""Files of evidence."""

import sqlalchemy as sa
from alembic import op

revision = "0053"
down_revision = "0052"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "evidence_files",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("partner", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("added", sa.BigInteger(), nullable=False),
        sa.Column("place", sa.Text()),
        sa.Column("key", sa.LargeBinary()),
        sa.Column("token", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evidence_files")),
        sa.UniqueConstraint("partner", "sha256", name="uq_evidence_files_partner"),
    )
    op.create_index("ix_evidence_files_sha256", "evidence_files", ["sha256"])
    op.create_index("ix_evidence_files_added", "evidence_files", ["added"])
    op.create_table(
        "evidence_links",
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("object", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("evidence", "object", name=op.f("pk_evidence_links")),
        sa.ForeignKeyConstraint(
            ["evidence"], ["evidence_files.id"], ondelete="CASCADE", name=op.f("fk_evidence_links_evidence")
        ),
    )
    op.create_index("ix_evidence_links_object", "evidence_links", ["object"])
    op.create_table(
        "evidence_members",
        sa.Column("object", sa.Text(), nullable=False),
        sa.Column("partner", sa.Text(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("object", "partner", name=op.f("pk_evidence_members")),
    )
    op.create_table(
        "evidence_custody",
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("partner", sa.Text()),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("evidence", "number", name=op.f("pk_evidence_custody")),
        sa.ForeignKeyConstraint(
            ["evidence"], ["evidence_files.id"], ondelete="CASCADE", name=op.f("fk_evidence_custody_evidence")
        ),
    )
    op.create_table(
        "evidence_leftovers",
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("place", name=op.f("pk_evidence_leftovers")),
    )


def downgrade() -> None:
    for table in ("evidence_leftovers", "evidence_custody", "evidence_members", "evidence_links", "evidence_files"):
        op.drop_table(table)
