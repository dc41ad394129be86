"""The purpose of each of a partner's credentials and certificates."""

import sqlalchemy as sa
from alembic import op

revision = "0089"
down_revision = "0088"
branch_labels = None
depends_on = None

_TABLES = ("credentials", "certificates")


def upgrade() -> None:
    """Add the purpose; it is empty for those issued so far."""
    for table in _TABLES:
        op.add_column(table, sa.Column("purpose", sa.Text(), nullable=False, server_default=""))


def downgrade() -> None:
    """Forget the purposes."""
    for table in _TABLES:
        op.drop_column(table, "purpose")
