"""The sandbox: rehearsals of partners' clients, and their certificates."""

import sqlalchemy as sa
from alembic import op

revision = "0049"
down_revision = "0048"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sandbox_runs",
        sa.Column("partner", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("started", sa.BigInteger(), nullable=False),
        sa.Column("base", sa.BigInteger(), nullable=False),
        sa.Column("began", sa.BigInteger()),
        sa.Column("ended", sa.BigInteger()),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("partner", name=op.f("pk_sandbox_runs")),
    )
    op.create_table(
        "sandbox_changes",
        sa.Column("partner", sa.Text(), nullable=False),
        sa.Column("listing", sa.Text(), nullable=False),
        sa.Column("change", sa.Text(), nullable=False),
        sa.Column("object_id", sa.Text(), nullable=False),
        sa.Column("added", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("partner", "listing", "change", name=op.f("pk_sandbox_changes")),
    )
    op.create_table(
        "sandbox_reads",
        sa.Column("partner", sa.Text(), nullable=False),
        sa.Column("after", sa.BigInteger(), nullable=False),
        sa.Column("up_to", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("partner", "after", "up_to", name=op.f("pk_sandbox_reads")),
    )
    op.create_table(
        "sandbox_answers",
        sa.Column("partner", sa.Text(), nullable=False),
        sa.Column("object_id", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger()),
        sa.PrimaryKeyConstraint("partner", "object_id", "outcome", name=op.f("pk_sandbox_answers")),
    )
    op.create_table(
        "client_certificates",
        sa.Column("partner", sa.Text(), nullable=False),
        sa.Column("issued", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("script", sa.Integer(), nullable=False),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("partner", name=op.f("pk_client_certificates")),
    )
    op.create_table(
        "certificate_requirements",
        sa.Column("collection", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["collection"],
            ["collections.number"],
            name=op.f("fk_certificate_requirements_collection_collections"),
        ),
        sa.PrimaryKeyConstraint("collection", name=op.f("pk_certificate_requirements")),
    )


def downgrade() -> None:
    for table in (
        "certificate_requirements",
        "client_certificates",
        "sandbox_answers",
        "sandbox_reads",
        "sandbox_changes",
        "sandbox_runs",
    ):
        op.drop_table(table)
