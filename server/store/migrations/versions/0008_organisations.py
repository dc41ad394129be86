"""Whose a partner is: the organisation that counts once, however many partners it has."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("partners", sa.Column("organisation", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("partners", "organisation")
