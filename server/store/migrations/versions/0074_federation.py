"""The exchange with other hubs, the messages of responses by ISO 20022, and the list of a partner's own opinions."""

from alembic import op
from sqlalchemy import Boolean, Column, Text, false

from server.store.tables import declared

revision = "0074"
down_revision = "0073"
branch_labels = None
depends_on = None

_NEW = (
    "hub_reports",
    "hub_heads",
    "hub_sets",
    "hub_gaps",
    "hub_deliveries",
    "hub_origins",
    "hub_refusals",
    "hub_contradictions",
    "hub_pending",
    "partner_links",
    "hub_publishing",
    "partner_registers",
    "hub_overlaps",
    "peer_messages",
    "peer_messages_taken",
    "objection_hubs",
    "hub_knowledge",
    "hub_conflicts",
    "hub_erasures",
    "hub_retained",
)
# Of requests: the hub of the side elsewhere, and what is known of it.
_OF_REQUESTS = ("peer", "remote")

_INDEX = "ix_objects_own_opinions"


def upgrade() -> None:
    """Make the tables."""
    declared().create_all(op.get_bind(), tables=[declared().tables[name] for name in _NEW])
    op.add_column("partners", Column("peer", Boolean, nullable=False, server_default=false()))
    op.add_column("request_steps", Column("payment", Text))
    for name in _OF_REQUESTS:
        op.add_column("requests", Column(name, Text))
    for index in declared().tables["objects"].indexes:
        if index.name == _INDEX:
            index.create(op.get_bind())


def downgrade() -> None:
    """Remove them."""
    op.drop_index(_INDEX, "objects")
    op.drop_column("request_steps", "payment")
    for name in _NEW:
        op.drop_table(name)
    op.drop_column("partners", "peer")
    for name in _OF_REQUESTS:
        op.drop_column("requests", name)
