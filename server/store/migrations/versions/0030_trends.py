"""Tables of trends: figures by day, what is counted later, what is published, and what each source brought."""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "trend_progress",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("place", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_trend_progress")),
    )
    op.create_table(
        "trend_counts",
        sa.Column("figure", sa.Text(), nullable=False),
        sa.Column("dimension", sa.Text(), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("word", sa.Text(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("figure", "dimension", "day", "word", name=op.f("pk_trend_counts")),
    )
    op.create_table(
        "trend_contributors",
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("figure", sa.Text(), nullable=False),
        sa.Column("dimension", sa.Text(), nullable=False),
        sa.Column("word", sa.Text(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("day", "figure", "dimension", "word", "organisation", name=op.f("pk_trend_contributors")),
    )
    op.create_table(
        "trend_durations",
        sa.Column("figure", sa.Text(), nullable=False),
        sa.Column("dimension", sa.Text(), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("word", sa.Text(), nullable=False),
        sa.Column("bucket", sa.SmallInteger(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("figure", "dimension", "day", "word", "bucket", name=op.f("pk_trend_durations")),
    )
    op.create_table(
        "trend_unread",
        sa.Column("log", sa.Integer(), nullable=False),
        sa.Column("added", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("organisations", sa.Text(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("log", "added", "kind", "organisations", name=op.f("pk_trend_unread")),
    )
    op.create_table(
        "trend_delistings",
        sa.Column("object_id", sa.Text(), nullable=False),
        sa.Column("log", sa.Integer(), nullable=False),
        sa.Column("revoked", sa.BigInteger(), nullable=False),
        sa.Column("listed", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("organisations", sa.Text(), nullable=False),
        sa.Column("open", sa.SmallInteger(), nullable=False),
        sa.Column("looked", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("object_id", "log", "revoked", name=op.f("pk_trend_delistings")),
    )
    op.create_table(
        "trend_acted",
        sa.Column("object_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("object_id", name=op.f("pk_trend_acted")),
    )
    op.create_table(
        "trend_published",
        sa.Column("span", sa.SmallInteger(), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("figure", sa.Text(), nullable=False),
        sa.Column("dimension", sa.Text(), nullable=False),
        sa.Column("word", sa.Text(), nullable=False),
        sa.Column("measure", sa.Text(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("span", "day", "figure", "dimension", "word", "measure", name=op.f("pk_trend_published")),
    )
    op.create_table(
        "source_counts",
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("month", sa.Integer(), nullable=False),
        sa.Column("figure", sa.Text(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("organisation", "kind", "month", "figure", name=op.f("pk_source_counts")),
    )
    op.create_index("ix_trend_delistings_looked", "trend_delistings", ["looked"])


def downgrade() -> None:
    raise NotImplementedError("restore the backup that was made before the upgrade")
