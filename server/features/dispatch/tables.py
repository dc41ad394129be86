"""The tables of dispatch, in the metadata that all tables share."""

from sqlalchemy import BigInteger, Column, Index, Integer, Table, Text, UniqueConstraint

from server.store.tables import CLEANED, ROW, STAYS, metadata

__all__ = ["dispatch_answers", "dispatch_contacts", "dispatch_mailbox", "dispatch_mails", "dispatches", "metadata"]

# One row for each value, addressee and listing version.
dispatches = Table(
    "dispatches",
    metadata,
    # Derived from the listing, its version and the role, by a secret of the hub.
    Column("id", Text, primary_key=True, info=STAYS),
    Column("subject", Text, nullable=False, info=ROW),
    Column("listing", Text, nullable=False, info=STAYS),
    # The version of the listing, in microseconds.
    Column("version", BigInteger, nullable=False),
    # registrar or network.
    Column("role", Text, nullable=False, info=CLEANED),
    # JSON: what the mail says about the listing.
    Column("facts", Text, nullable=False, info=ROW),
    # Of the addressee; NULL until RDAP has told it.
    Column("address", Text, info=CLEANED),
    Column("organisation", Text, info=CLEANED),
    Column("form", Text, info=CLEANED),
    Column("country", Text, info=CLEANED),
    Column("state", Text, nullable=False, info=CLEANED),
    Column("made", BigInteger, nullable=False),
    # No look-up before this moment.
    Column("next", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("mail", Text, info=STAYS),
    # The addressee's response, its own reference, and when it came.
    Column("response", Text, info=CLEANED),
    Column("their_reference", Text, info=CLEANED),
    Column("responded", BigInteger),
    UniqueConstraint("listing", "version", "role", name="uq_dispatches_listing_version_role"),
    Index("ix_dispatches_state", "state", "next"),
    Index("ix_dispatches_address", "address", "state"),
    Index("ix_dispatches_mail", "mail"),
    Index("ix_dispatches_subject", "subject"),
)

# The mails. They name rows above by ids, and no value.
dispatch_mails = Table(
    "dispatch_mails",
    metadata,
    # The local part of the Message-ID, derived from the rows.
    Column("id", Text, primary_key=True, info=STAYS),
    # report or correction.
    Column("purpose", Text, nullable=False, info=CLEANED),
    Column("address", Text, nullable=False, info=CLEANED),
    Column("country", Text, info=CLEANED),
    # The report that a correction follows.
    Column("follows", Text, info=STAYS),
    # The row above that a correction is about.
    Column("about", Text, info=STAYS),
    Column("made", BigInteger, nullable=False),
    Column("state", Text, nullable=False, info=CLEANED),
    Column("approved_by", Text, info=CLEANED),
    Column("attempts", Integer, nullable=False),
    # No attempt before this moment.
    Column("next", BigInteger, nullable=False),
    Column("ended", BigInteger),
    # Why the last attempt failed: a word.
    Column("error", Text, info=CLEANED),
    Index("ix_dispatch_mails_state", "state", "next"),
    Index("ix_dispatch_mails_address", "address", "made"),
)

# The states of addressees, by operators and bounces. No row: nothing is known against the address.
dispatch_contacts = Table(
    "dispatch_contacts",
    metadata,
    Column("address", Text, primary_key=True, info=CLEANED),
    # good, bad (mails come back), or form (takes a web form only).
    Column("state", Text, nullable=False, info=CLEANED),
    Column("form", Text, info=CLEANED),
    Column("changed", BigInteger, nullable=False),
)

# Answers by mail that a person has to read.
dispatch_answers = Table(
    "dispatch_answers",
    metadata,
    # SHA-256 of the mail.
    Column("id", Text, primary_key=True, info=CLEANED),
    Column("mail", Text, nullable=False, info=STAYS),
    Column("at", BigInteger, nullable=False),
    Column("text", Text, nullable=False, info=ROW),
    # open or closed.
    Column("state", Text, nullable=False, info=CLEANED),
    Index("ix_dispatch_answers_state", "state", "at"),
    Index("ix_dispatch_answers_mail", "mail"),
)

# How far the mailbox of answers was read.
dispatch_mailbox = Table(
    "dispatch_mailbox",
    metadata,
    Column("folder", Text, primary_key=True, info=CLEANED),
    Column("validity", Text, nullable=False, info=CLEANED),
    Column("uid", BigInteger, nullable=False),
)
