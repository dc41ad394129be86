"""Find by an index what was handed over to a partner."""

from alembic import op

revision = "0058"
down_revision = "0057"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_evidence_members_partner", "evidence_members", ["partner"])


def downgrade() -> None:
    op.drop_index("ix_evidence_members_partner", table_name="evidence_members")
