"""Proposals by person, and by moment: a page of them, and the number that a person has open, are found by an index."""

from alembic import op

revision = "0057"
down_revision = "0056"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_proposals_proposed_by", "proposals", ["proposed_by", "state"])
    op.create_index("ix_proposals_proposed", "proposals", ["proposed", "id"])


def downgrade() -> None:
    op.drop_index("ix_proposals_proposed", "proposals")
    op.drop_index("ix_proposals_proposed_by", "proposals")
