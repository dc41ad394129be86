"""The status of the answer by HTTP that ended a feed's run."""

import sqlalchemy as sa
from alembic import op

revision = "0062"
down_revision = "0061"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("runs", sa.Column("status", sa.Integer()))


def downgrade() -> None:
    op.drop_column("runs", "status")
