"""When each who objects was promised an answer, whoever objected to the same before."""

import sqlalchemy as sa
from alembic import op

revision = "0060"
down_revision = "0059"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("objection_tokens") as batch:
        batch.add_column(sa.Column("due", sa.BigInteger(), nullable=True))
    op.execute(
        "UPDATE objection_tokens SET due ="
        " (SELECT objections.due FROM objections WHERE objections.id = objection_tokens.objection)"
    )
    with op.batch_alter_table("objection_tokens") as batch:
        batch.alter_column("due", nullable=False)


def downgrade() -> None:
    with op.batch_alter_table("objection_tokens") as batch:
        batch.drop_column("due")
