"""By which of its credentials a partner read a collection."""

import sqlalchemy as sa
from alembic import op

revision = "0059"
down_revision = "0058"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("read_steps", sa.Column("login_by", sa.Text()))
    op.add_column("read_steps", sa.Column("login", sa.Text()))


def downgrade() -> None:
    op.drop_column("read_steps", "login")
    op.drop_column("read_steps", "login_by")
