"""Reminders by mail: what each person chose, and the outbox."""

from alembic import op

from server.store.tables import declared

revision = "0082"
down_revision = "0078"
branch_labels = None
depends_on = None

_NEW = ("mail_choices", "mails")


def upgrade() -> None:
    """Make the tables."""
    declared().create_all(op.get_bind(), tables=[declared().tables[name] for name in _NEW])


def downgrade() -> None:
    """Remove them."""
    for name in _NEW:
        op.drop_table(name)
