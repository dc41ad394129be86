"""Questions to the reporters of a listing, and their answers."""

import sqlalchemy as sa
from alembic import op

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "questions",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("asker", sa.Text()),
        sa.Column("note", sa.Text()),
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("asked", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_questions")),
    )
    op.create_index("ix_questions_asker", "questions", ["asker", "asked"])
    op.create_table(
        "question_recipients",
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("partner", sa.Text(), nullable=False),
        sa.Column("answers", sa.Integer(), nullable=False),
        sa.Column("answer", sa.Text()),
        sa.Column("answered", sa.BigInteger()),
        sa.PrimaryKeyConstraint("question", "partner", name=op.f("pk_question_recipients")),
    )


def downgrade() -> None:
    op.drop_table("question_recipients")
    op.drop_table("questions")
