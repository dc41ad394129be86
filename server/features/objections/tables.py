"""The tables of this folder, in the metadata that all tables share."""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, LargeBinary, PrimaryKeyConstraint, Table, Text

from server.store.release_tables import metadata
from server.store.tables import CLEANED, STAYS

__all__ = ["metadata", "objection_hubs", "objection_tokens", "objection_values", "objections"]

# No personal data except an encrypted contact, until the end. The origin of the objection is not stored.
objections = Table(
    "objections",
    metadata,
    Column("id", Text, primary_key=True, info=CLEANED),
    Column("kind", Text, nullable=False, info=CLEANED),
    Column("ground", Text, nullable=False, info=CLEANED),
    Column("contact", LargeBinary, info=CLEANED),
    # A digest with a secret of the hub, which identifies the same contact while the objection is open.
    Column("contact_digest", LargeBinary, info=CLEANED),
    Column("received", BigInteger, nullable=False),
    Column("due", BigInteger, nullable=False),
    # When its listings were looked up; NULL: not yet.
    Column("routed", BigInteger),
    # Whether the value was listed then, and whether publicly; the provider of the account.
    Column("listed", Boolean, nullable=False),
    Column("public", Boolean, nullable=False),
    Column("keeper", Text, info=CLEANED),
    # NULL: open.
    Column("answer", Text, info=CLEANED),
    Column("reason", Text, info=CLEANED),
    Column("decided", BigInteger),
    Column("decided_by", Text, info=CLEANED),
)

Index("ix_objections_received", objections.c.received)
Index("ix_objections_answer", objections.c.answer, objections.c.due)

# The values of an open objection, by their names in the index: all that its text may mean.
objection_values = Table(
    "objection_values",
    metadata,
    Column("subject", Text, nullable=False, info=CLEANED),
    Column("objection", Text, ForeignKey("objections.id"), nullable=False, info=CLEANED),
    PrimaryKeyConstraint("subject", "objection"),
    Index("ix_objection_values_objection", "objection"),
)

# The digests of the tokens for following an objection.
objection_tokens = Table(
    "objection_tokens",
    metadata,
    Column("digest", LargeBinary, primary_key=True, info=CLEANED),
    Column("objection", Text, ForeignKey("objections.id"), nullable=False, info=CLEANED),
    # The due date promised to the token's holder. For a repeated objection it is later than the objection's own.
    Column("due", BigInteger, nullable=False),
    Index("ix_objection_tokens_objection", "objection"),
)

# The other hubs that an objection was passed on to, or that it came from.
objection_hubs = Table(
    "objection_hubs",
    metadata,
    Column("objection", Text, ForeignKey("objections.id"), nullable=False, info=CLEANED),
    # The origin of the hub, and the objection's id there or, if it was passed on, here.
    Column("hub", Text, nullable=False, info=STAYS),
    Column("thread", Text, nullable=False, info=STAYS),
    # The answer of a hub that it was passed on to.
    Column("answer", Text, info=STAYS),
    PrimaryKeyConstraint("objection", "hub", "thread"),
)
