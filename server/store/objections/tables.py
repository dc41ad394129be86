"""The tables of this folder, in the metadata that all tables share."""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, LargeBinary, PrimaryKeyConstraint, Table, Text

from server.store.release_tables import metadata

__all__ = ["metadata", "objection_tokens", "objection_values", "objections"]

# Nothing about a person but a contact, encrypted, until the end; nor where the objection came from.
objections = Table(
    "objections",
    metadata,
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("ground", Text, nullable=False),
    Column("contact", LargeBinary),
    # By which the same contact is known while the objection is open, by a secret of the hub.
    Column("contact_digest", LargeBinary),
    Column("received", BigInteger, nullable=False),
    Column("due", BigInteger, nullable=False),
    # When it was looked up what is listed; NULL: not yet.
    Column("routed", BigInteger),
    # Whether anything was listed then, and whether for anybody to see; the partner that keeps the account.
    Column("listed", Boolean, nullable=False),
    Column("public", Boolean, nullable=False),
    Column("keeper", Text),
    # NULL: open.
    Column("answer", Text),
    Column("reason", Text),
    Column("decided", BigInteger),
    Column("decided_by", Text),
)

Index("ix_objections_received", objections.c.received)
Index("ix_objections_answer", objections.c.answer, objections.c.due)

# The values that an open objection is about, by their names in the index: all that its text may mean.
objection_values = Table(
    "objection_values",
    metadata,
    Column("subject", Text, nullable=False),
    Column("objection", Text, ForeignKey("objections.id"), nullable=False),
    PrimaryKeyConstraint("subject", "objection"),
    Index("ix_objection_values_objection", "objection"),
)

# The digests of the tokens by which an objection is followed.
objection_tokens = Table(
    "objection_tokens",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("objection", Text, ForeignKey("objections.id"), nullable=False),
    # By when whoever holds the token was promised an answer; of an objection that follows another, later than its.
    Column("due", BigInteger, nullable=False),
    Index("ix_objection_tokens_objection", "objection"),
)
