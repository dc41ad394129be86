"""Requests without an addressee, and questions, in their order."""

import sqlalchemy as sa
from alembic import op

revision = "0052"
down_revision = "0051"
branch_labels = None
depends_on = None

_NOBODY = sa.text("addressee IS NULL")


def upgrade() -> None:
    op.create_index(
        "requests_unaddressed", "requests", ["state", "deadline"], sqlite_where=_NOBODY, postgresql_where=_NOBODY
    )
    op.create_index("ix_questions_asked", "questions", ["asked"])


def downgrade() -> None:
    op.drop_index("ix_questions_asked", "questions")
    op.drop_index("requests_unaddressed", "requests")
