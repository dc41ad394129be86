"""The tables of people's objections to listings."""

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "objections",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("ground", sa.Text(), nullable=False),
        sa.Column("contact", sa.LargeBinary()),
        sa.Column("contact_digest", sa.LargeBinary()),
        sa.Column("received", sa.BigInteger(), nullable=False),
        sa.Column("due", sa.BigInteger(), nullable=False),
        sa.Column("routed", sa.BigInteger()),
        sa.Column("listed", sa.Boolean(), nullable=False),
        sa.Column("public", sa.Boolean(), nullable=False),
        sa.Column("keeper", sa.Text()),
        sa.Column("answer", sa.Text()),
        sa.Column("reason", sa.Text()),
        sa.Column("decided", sa.BigInteger()),
        sa.Column("decided_by", sa.Text()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_objections")),
    )
    op.create_index("ix_objections_received", "objections", ["received"])
    op.create_index("ix_objections_answer", "objections", ["answer", "due"])
    op.create_table(
        "objection_values",
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("objection", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["objection"], ["objections.id"], name=op.f("fk_objection_values_objection")),
        sa.PrimaryKeyConstraint("subject", "objection", name=op.f("pk_objection_values")),
    )
    op.create_index("ix_objection_values_objection", "objection_values", ["objection"])
    op.create_table(
        "objection_tokens",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("objection", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["objection"], ["objections.id"], name=op.f("fk_objection_tokens_objection")),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_objection_tokens")),
    )
    op.create_index("ix_objection_tokens_objection", "objection_tokens", ["objection"])


def downgrade() -> None:
    raise NotImplementedError("restore the backup that was made before the upgrade")
