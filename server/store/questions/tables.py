"""The tables of this folder, in the metadata that all tables share."""

from sqlalchemy import BigInteger, Column, Index, Integer, PrimaryKeyConstraint, Table, Text

from server.store.release_tables import metadata

__all__ = ["metadata", "question_recipients", "questions"]

questions = Table(
    "questions",
    metadata,
    # Random: only those who read the question can answer it.
    Column("id", Text, primary_key=True),
    # The partner that asks, and its note in the inbox; NULL: the operator.
    Column("asker", Text),
    Column("note", Text),
    Column("about", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("asked", BigInteger, nullable=False),
    Index("ix_questions_asker", "asker", "asked"),
    Index("ix_questions_asked", "asked"),
)

question_recipients = Table(
    "question_recipients",
    metadata,
    Column("question", Text, nullable=False),
    Column("partner", Text, nullable=False),
    Column("answers", Integer, nullable=False),
    Column("answer", Text),
    Column("answered", BigInteger),
    PrimaryKeyConstraint("question", "partner"),
)
