"""Reports by mail to addressees outside the hub, and what registries say."""

from alembic import op

from server.store.tables import declared

revision = "0087"
down_revision = "0086"
branch_labels = None
depends_on = None

_NEW = (
    "rdap_lists",
    "changed_listings",
    "dispatches",
    "dispatch_mails",
    "dispatch_contacts",
    "dispatch_answers",
    "dispatch_mailbox",
)


def upgrade() -> None:
    """Make the tables."""
    declared().create_all(op.get_bind(), tables=[declared().tables[name] for name in _NEW])


def downgrade() -> None:
    """Remove them."""
    for name in reversed(_NEW):
        op.drop_table(name)
