"""The e-mail addresses of users, and who was shown their links: two accounts may be one person."""

import sqlalchemy as sa
from alembic import op

revision = "0056"
down_revision = "0055"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("users", sa.Column("email", sa.Text()))
    op.add_column("users", sa.Column("link_shown_to", sa.Text()))
    op.add_column("users", sa.Column("link_made", sa.BigInteger()))


def downgrade() -> None:
    for name in ("link_made", "link_shown_to", "email"):
        op.drop_column("users", name)
