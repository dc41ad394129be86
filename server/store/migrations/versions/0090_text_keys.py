"""The keys by which an erasure finds texts."""

import json
import time

import sqlalchemy as sa
from alembic import op

revision = "0090"
down_revision = "0089"
branch_labels = None
depends_on = None

_JOB = "index texts"


def upgrade() -> None:
    """Add the table, and begin the job that adds the keys of the rows so far."""
    op.create_table(
        "text_keys",
        sa.Column("log", sa.Integer(), nullable=False),
        sa.Column("begins", sa.BigInteger(), nullable=False),
        sa.Column("ends", sa.BigInteger(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("digests", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("log", "begins", name="pk_text_keys"),
    )
    ends = op.get_bind().execute(
        sa.text("SELECT log, max(last_added) FROM collections WHERE last_added > 0 GROUP BY log ORDER BY log")
    )
    left = [[log, -1, last] for log, last in ends]
    if left:
        jobs = sa.table("jobs", *map(sa.column, ("name", "state", "begun", "saved", "ended")))
        at = time.time_ns() // 1_000
        op.execute(
            jobs.insert().values(name=_JOB, state=json.dumps({"left": left}).encode(), begun=at, saved=at, ended=at)
        )


def downgrade() -> None:
    """Forget the keys."""
    op.drop_table("text_keys")
    op.execute(sa.text("DELETE FROM jobs WHERE name = :job").bindparams(job=_JOB))
