"""Client certificates, allowances, the audit trail, and how far each partner has come."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "certificates",
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("partner", sa.Text(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["partner"], ["partners.name"], name=op.f("fk_certificates_partner")),
        sa.PrimaryKeyConstraint("fingerprint", name=op.f("pk_certificates")),
    )
    op.create_table(
        "allowances",
        sa.Column("partner", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("began", sa.BigInteger(), nullable=False),
        sa.Column("used", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["partner"], ["partners.name"], name=op.f("fk_allowances_partner")),
        sa.PrimaryKeyConstraint("partner", "unit", name=op.f("pk_allowances")),
    )
    op.create_table(
        "audit_ends",
        sa.Column("chain", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("chain", name=op.f("pk_audit_ends")),
    )
    op.create_table(
        "audit",
        sa.Column("chain", sa.Text(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("first", sa.BigInteger(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.Column("requests", sa.BigInteger(), nullable=False),
        sa.Column("partner", sa.Text(), nullable=True),
        sa.Column("remote", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("route", sa.Text(), nullable=False),
        sa.Column("collection", sa.Text(), nullable=True),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("objects", sa.BigInteger(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("chain", "number", name=op.f("pk_audit")),
    )
    op.create_index(op.f("ix_audit_first"), "audit", ["first"])
    op.create_table(
        "positions",
        sa.Column("collection", sa.Text(), nullable=False),
        sa.Column("partner", sa.Text(), nullable=False),
        sa.Column("given", sa.BigInteger(), nullable=False),
        sa.Column("asked", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("collection", "partner", name=op.f("pk_positions")),
    )


def downgrade() -> None:
    op.drop_table("positions")
    op.drop_index(op.f("ix_audit_first"), table_name="audit")
    op.drop_table("audit")
    op.drop_table("audit_ends")
    op.drop_table("allowances")
    op.drop_table("certificates")
