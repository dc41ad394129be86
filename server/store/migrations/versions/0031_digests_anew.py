"""Digests are counted anew: what a listing brought along in a full variant counts until that is revoked."""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("digest_buckets", "digests"):
        op.execute(sa.delete(sa.table(table)))


def downgrade() -> None:
    raise NotImplementedError("restore the backup that was made before the upgrade")
