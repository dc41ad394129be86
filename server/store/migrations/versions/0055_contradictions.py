"""Reviews of keepers' answers by ids of their own, beside those of doubts about the same listing."""

from alembic import op

revision = "0055"
down_revision = "0054"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("UPDATE reviews SET object_id = object_id || '#answer' WHERE rule = 'keeper-contradicted'")


def downgrade() -> None:
    op.execute("UPDATE reviews SET object_id = replace(object_id, '#answer', '') WHERE rule = 'keeper-contradicted'")
