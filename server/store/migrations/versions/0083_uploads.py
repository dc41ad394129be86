"""Files that partners upload on the pages."""

from alembic import op

from server.store.tables import declared

revision = "0083"
down_revision = "0082"
branch_labels = None
depends_on = None

_NEW = ("uploads", "upload_pieces", "upload_rows", "upload_columns")


def upgrade() -> None:
    """Make the tables."""
    declared().create_all(op.get_bind(), tables=[declared().tables[name] for name in _NEW])


def downgrade() -> None:
    """Remove them."""
    for name in reversed(_NEW):
        op.drop_table(name)
