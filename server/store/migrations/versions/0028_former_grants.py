"""Where the grants began that were withdrawn: who gets one back is told what was revoked meanwhile."""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "former_grants",
        sa.Column("partner", sa.Text(), nullable=False),
        sa.Column("collection", sa.Integer(), nullable=False),
        sa.Column("granted", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["partner"], ["partners.name"], name=op.f("fk_former_grants_partner")),
        sa.ForeignKeyConstraint(["collection"], ["collections.number"], name=op.f("fk_former_grants_collection")),
        sa.PrimaryKeyConstraint("partner", "collection", name=op.f("pk_former_grants")),
    )


def downgrade() -> None:
    raise NotImplementedError("restore the backup that was made before the upgrade")
