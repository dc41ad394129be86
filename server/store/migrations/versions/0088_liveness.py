"""Whether listed names still exist."""

from alembic import op

from server.store.tables import declared

revision = "0088"
down_revision = "0087"
branch_labels = None
depends_on = None

_NEW = ("live_hosts", "live_values")


def upgrade() -> None:
    """Make the tables."""
    declared().create_all(op.get_bind(), tables=[declared().tables[name] for name in _NEW])


def downgrade() -> None:
    """Remove them."""
    for name in reversed(_NEW):
        op.drop_table(name)
