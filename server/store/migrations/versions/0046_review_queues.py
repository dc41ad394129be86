"""Reviews of one rule, and of one partner, in the order in which they were opened."""

from alembic import op

revision = "0046"
down_revision = "0045"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_reviews_rule", "reviews", ["state", "rule", "opened"])
    op.create_index("ix_reviews_partner", "reviews", ["state", "partner", "opened"])


def downgrade() -> None:
    op.drop_index("ix_reviews_partner", "reviews")
    op.drop_index("ix_reviews_rule", "reviews")
