"""The peers' own ids of delivered objects."""

import sqlalchemy as sa
from alembic import op

revision = "0085"
down_revision = "0084"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("deliveries", sa.Column("remote", sa.Text()))


def downgrade() -> None:
    """Remove it."""
    op.drop_column("deliveries", "remote")
