"""The tables of reminders, in the metadata that all tables share."""

from sqlalchemy import BigInteger, Column, Index, Integer, Table, Text, UniqueConstraint

from server.store.tables import CLEANED, metadata

__all__ = ["mail_choices", "mails", "metadata"]

# What each person chose, and up to which moment the person has been told. No row: nothing chosen, nothing told.
mail_choices = Table(
    "mail_choices",
    metadata,
    # The id of the user.
    Column("user", Text, primary_key=True, info=CLEANED),
    # NULL: the hub's own language.
    Column("language", Text, info=CLEANED),
    # The optional reminders that are off, separated by blanks.
    Column("off", Text, nullable=False, server_default="", info=CLEANED),
    # The address that the person gave, and when a link sent there confirmed it.
    Column("address", Text, info=CLEANED),
    Column("confirmed", BigInteger),
    # The address that refused a mail for good; none is sent there until the person chooses again.
    Column("refused", Text, info=CLEANED),
    Column("told", BigInteger, nullable=False, server_default="0"),
)

# The outbox. The unique key lets a person have one mail of a purpose an hour, however many nodes there are.
mails = Table(
    "mails",
    metadata,
    # The local part of the Message-ID.
    Column("id", Text, primary_key=True, info=CLEANED),
    Column("user", Text, nullable=False, info=CLEANED),
    Column("purpose", Text, nullable=False, info=CLEANED),
    Column("hour", BigInteger, nullable=False),
    # JSON: numbers, moments and the addresses of pages.
    Column("content", Text, nullable=False, info=CLEANED),
    Column("made", BigInteger, nullable=False),
    Column("state", Text, nullable=False, info=CLEANED),
    Column("attempts", Integer, nullable=False),
    # No attempt before this moment.
    Column("next", BigInteger, nullable=False),
    Column("ended", BigInteger),
    # Why the last attempt failed: a word.
    Column("error", Text, info=CLEANED),
    UniqueConstraint("user", "purpose", "hour", name="uq_mails_user_purpose_hour"),
    Index("ix_mails_state", "state", "next"),
)
