"""Institutions that partners kept before: their answers about these accounts count on."""

import sqlalchemy as sa
from alembic import op

revision = "0061"
down_revision = "0060"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Said plainly: Alembic would copy the whole table on SQLite.
    op.execute("ALTER TABLE partners ADD COLUMN former_institutions TEXT DEFAULT '[]' NOT NULL")


def downgrade() -> None:
    with op.batch_alter_table("partners") as batch:
        batch.drop_column("former_institutions")
