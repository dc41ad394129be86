"""Grants know when they began; values are found by the collection that lists them, and what was withdrawn by itself.

Grants of before began with the first object, so that nothing changes for who has them.
"""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("grants", sa.Column("granted", sa.BigInteger(), nullable=False, server_default=sa.text("0")))
    op.drop_index("ix_objects_value", "objects")
    op.create_index(
        "ix_objects_value",
        "objects",
        ["value", "collection"],
        sqlite_where=sa.text("value IS NOT NULL"),
        postgresql_where=sa.text("value IS NOT NULL"),
    )
    op.create_index(
        "ix_objects_revoked",
        "objects",
        ["collection", "date_added"],
        sqlite_where=sa.text("revoked"),
        postgresql_where=sa.text("revoked"),
    )


def downgrade() -> None:
    raise NotImplementedError("restore the backup that was made before the upgrade")
