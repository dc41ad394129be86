"""The tables of version 0.1.0. A new store skips them: the next revision makes all tables."""

revision = "0062"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Do nothing: only an existing store has this revision."""


def downgrade() -> None:
    """Refuse."""
    raise NotImplementedError("there is no revision before this one; restore the backup made before the upgrade")
