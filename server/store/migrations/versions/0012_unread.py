"""What of its files a run of a feed did not read."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("runs", sa.Column("unread", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    op.drop_column("runs", "unread")
