"""The provider's reference for a finding, and the kind, the deadline and the own reports of questions."""

from alembic import op
from sqlalchemy import BigInteger, Column, Text

revision = "0077"
down_revision = "0074"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns."""
    op.add_column("kept_accounts", Column("reference", Text))
    op.add_column("questions", Column("kind", Text))
    op.add_column("questions", Column("due", BigInteger))
    op.add_column("question_recipients", Column("report", Text))
    op.create_index("ix_question_recipients_partner", "question_recipients", ["partner"])


def downgrade() -> None:
    """Remove them."""
    op.drop_index("ix_question_recipients_partner", "question_recipients")
    op.drop_column("question_recipients", "report")
    op.drop_column("questions", "due")
    op.drop_column("questions", "kind")
    op.drop_column("kept_accounts", "reference")
