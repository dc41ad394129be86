"""The tables of this folder, in the metadata that all tables share."""

from sqlalchemy import BigInteger, Column, Index, Integer, PrimaryKeyConstraint, Table, Text

from server.store.release_tables import metadata
from server.store.tables import CLEANED

__all__ = ["metadata", "question_recipients", "questions"]

questions = Table(
    "questions",
    metadata,
    # Random: only a recipient of the question can answer it.
    Column("id", Text, primary_key=True, info=CLEANED),
    # The partner that asks, and its note in the inbox; NULL: the operator.
    Column("asker", Text, info=CLEANED),
    Column("note", Text, info=CLEANED),
    Column("about", Text, nullable=False, info=CLEANED),
    Column("text", Text, nullable=False, info=CLEANED),
    Column("asked", BigInteger, nullable=False),
    # What is asked, of a closed list, and the moment by which an answer is wanted; NULL: a free question.
    Column("kind", Text, info=CLEANED),
    Column("due", BigInteger),
    Index("ix_questions_asker", "asker", "asked"),
    Index("ix_questions_asked", "asked"),
)

question_recipients = Table(
    "question_recipients",
    metadata,
    Column("question", Text, nullable=False, info=CLEANED),
    Column("partner", Text, nullable=False, info=CLEANED),
    Column("answers", Integer, nullable=False),
    Column("answer", Text, info=CLEANED),
    Column("answered", BigInteger),
    # The id of the recipient's own object that the question is about; NULL: not known, or at another hub.
    Column("report", Text, info=CLEANED),
    PrimaryKeyConstraint("question", "partner"),
    Index("ix_question_recipients_partner", "partner"),
)
