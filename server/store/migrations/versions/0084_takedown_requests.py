"""Takedown requests: the act, the basis, the clock and the response of a request."""

import sqlalchemy as sa
from alembic import op

revision = "0084"
down_revision = "0083"
branch_labels = None
depends_on = None

_COLUMNS = (
    ("asks", sa.Text),
    ("basis", sa.Text),
    ("case_number", sa.Text),
    ("allowed", sa.BigInteger),
    ("served_at", sa.BigInteger),
    ("served_by", sa.Text),
    ("response", sa.Text),
    ("responded_at", sa.BigInteger),
)
_OF_STEPS = ("response", "responded")
_TAKEDOWN, _UNSERVED = "asks IS NOT NULL", "asks IS NOT NULL AND served_at IS NULL"
_INDEXES = (
    ("takedowns_to", ["addressee", "state", "deadline"], _TAKEDOWN),
    ("takedowns_from", ["sender", "case_number"], _TAKEDOWN),
    ("takedowns_untold", ["served_at"], "asks IS NOT NULL AND served_at >= changed"),
    ("takedowns_unserved", ["addressee", "opened"], _UNSERVED),
)


def upgrade() -> None:
    """Add the columns; requests so far are about money, and have none of them."""
    for name, type_ in _COLUMNS:
        op.add_column("requests", sa.Column(name, type_()))
    for name in _OF_STEPS:
        op.add_column("request_steps", sa.Column(name, sa.Text()))
    for name, columns, where in _INDEXES:
        op.create_index(name, "requests", columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))


def downgrade() -> None:
    """Remove takedown requests, and the columns."""
    op.execute("DELETE FROM request_steps WHERE request IN (SELECT id FROM requests WHERE asks IS NOT NULL)")
    op.execute("DELETE FROM request_parties WHERE request IN (SELECT id FROM requests WHERE asks IS NOT NULL)")
    op.execute("DELETE FROM requests WHERE asks IS NOT NULL")
    for name, _, _ in _INDEXES:
        op.drop_index(name, "requests")
    for name in _OF_STEPS:
        op.drop_column("request_steps", name)
    for name, _ in reversed(_COLUMNS):
        op.drop_column("requests", name)
