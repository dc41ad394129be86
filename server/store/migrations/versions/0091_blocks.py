"""The values that each partner's reports alone block, by hour."""

import sqlalchemy as sa
from alembic import op

revision = "0091"
down_revision = "0090"
branch_labels = None
depends_on = None

_NEW = ("hour_began", "hour_blocks", "most_blocks")


def upgrade() -> None:
    """Add the counts; no partner has any so far."""
    for name in _NEW:
        op.add_column("volumes", sa.Column(name, sa.BigInteger(), nullable=False, server_default="0"))


def downgrade() -> None:
    """Remove the counts."""
    with op.batch_alter_table("volumes") as volumes:
        for name in reversed(_NEW):
            volumes.drop_column(name)
