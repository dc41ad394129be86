"""The table of this folder, in the metadata that all tables share."""

from sqlalchemy import BigInteger, Column, ForeignKey, Index, LargeBinary, Table, Text

from server.store.tables import CLEANED, metadata

__all__ = ["metadata", "partner_notices"]

# Notices to partners about their access: each row is one change, or one proposed change.
partner_notices = Table(
    "partner_notices",
    metadata,
    Column("id", Text, primary_key=True, info=CLEANED),
    Column(
        "partner",
        Text,
        ForeignKey("partners.name", name="fk_partner_notices_partner_partners"),
        nullable=False,
        info=CLEANED,
    ),
    Column("at", BigInteger, nullable=False),
    # The code of the sentence, and the inserted values as JSON.
    Column("code", Text, nullable=False, info=CLEANED),
    Column("details", LargeBinary, nullable=False, info=CLEANED),
    Index("ix_partner_notices_partner", "partner", "at"),
    Index("ix_partner_notices_at", "at"),
)
