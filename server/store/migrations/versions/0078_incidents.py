"""Incidents: the selected reports, and the decisions on them."""

from alembic import op

from server.store.tables import declared

revision = "0078"
down_revision = "0077"
branch_labels = None
depends_on = None

_NEW = ("incidents", "incident_reports", "incident_partners", "incident_decisions")


def upgrade() -> None:
    """Make the tables."""
    declared().create_all(op.get_bind(), tables=[declared().tables[name] for name in _NEW])


def downgrade() -> None:
    """Remove them."""
    for name in reversed(_NEW):
        op.drop_table(name)
