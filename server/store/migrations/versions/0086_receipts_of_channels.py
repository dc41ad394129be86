"""Receipts by channel: one of each push, beside that of the partner's own reading."""

import sqlalchemy as sa
from alembic import op

from server.store.tables import declared

revision = "0086"
down_revision = "0085"
branch_labels = None
depends_on = None

_INDEXES = ("ix_receipts_open", "ix_receipts_opened")


def upgrade() -> None:
    """Make the channel a part of the key; receipts so far count as read."""
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":
        op.add_column("receipts", sa.Column("channel", sa.Text(), nullable=False, server_default=""))
        op.drop_constraint("pk_receipts", "receipts")
        op.create_primary_key("pk_receipts", "receipts", ["object_id", "collection", "partner", "channel"])
        return
    for name in _INDEXES:
        op.drop_index(name, "receipts")
    op.rename_table("receipts", "receipts_before")
    declared().create_all(connection, tables=[declared().tables["receipts"]])
    columns = "object_id, collection, partner, opened, revoked_at, version, closed, how"
    op.execute(f"INSERT INTO receipts ({columns}) SELECT {columns} FROM receipts_before")  # noqa: S608 - names only
    op.drop_table("receipts_before")


def downgrade() -> None:
    """Keep the receipts of reading."""
    connection = op.get_bind()
    op.execute("DELETE FROM receipts WHERE channel <> ''")
    if connection.dialect.name == "postgresql":
        op.drop_constraint("pk_receipts", "receipts")
        op.create_primary_key("pk_receipts", "receipts", ["object_id", "collection", "partner"])
        op.drop_column("receipts", "channel")
        return
    with op.batch_alter_table("receipts", recreate="always") as batch:
        batch.drop_column("channel")
        batch.create_primary_key("pk_receipts", ["object_id", "collection", "partner"])
