"""Disputes by value rather than by listing, what partners doubt a day, and what an operator has to do about something."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_REVIEWS = sa.table(
    "reviews", *(sa.column(name) for name in ("object_id", "rule", "state", "opened", "decided", "subject", "settled"))
)
_LISTINGS = sa.table("listings", sa.column("subject"), sa.column("id"))


def upgrade() -> None:
    op.add_column("reviews", sa.Column("subject", sa.Text(), nullable=True))
    op.add_column("reviews", sa.Column("settled", sa.BigInteger(), nullable=True))
    op.create_index(op.f("ix_reviews_subject"), "reviews", ["subject"])
    op.add_column("volumes", sa.Column("doubts", sa.BigInteger(), nullable=False, server_default=sa.text("0")))
    op.create_table(
        "warnings",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("first", sa.BigInteger(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_warnings")),
    )
    _name_the_values()


def downgrade() -> None:
    op.drop_table("warnings")
    op.drop_column("volumes", "doubts")
    op.drop_index(op.f("ix_reviews_subject"), table_name="reviews")
    op.drop_column("reviews", "settled")
    op.drop_column("reviews", "subject")


def _name_the_values() -> None:
    """Let each dispute of a listing be one of its value; of several that are open, the oldest stays."""
    bind, rows = op.get_bind(), _REVIEWS.c
    waiting = set()
    disputes = sa.select(_REVIEWS).where(rows.rule == "disputed").order_by(rows.opened)
    for row in bind.execute(disputes).all():
        subject = bind.execute(sa.select(_LISTINGS.c.subject).where(_LISTINGS.c.id == row.object_id)).scalar()
        if subject is None:
            continue  # what a reporter said of it is refused under its own key, which is no listing's
        mine = rows.object_id == row.object_id
        if row.state == "open" and subject in waiting:
            bind.execute(sa.delete(_REVIEWS).where(mine))
            continue
        waiting |= {subject} if row.state == "open" else set()
        settled = row.decided if row.state == "approved" else None
        bind.execute(sa.update(_REVIEWS).where(mine).values(subject=subject, settled=settled))
