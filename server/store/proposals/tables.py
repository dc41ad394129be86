"""The tables of this folder, in the metadata that all tables share."""

from sqlalchemy import BigInteger, Boolean, Column, Index, LargeBinary, Table, Text

from server.store.release_tables import metadata
from server.store.tables import CLEANED

__all__ = ["frozen_values", "metadata", "proposals"]

# Proposals, with their decision or expiry.
proposals = Table(
    "proposals",
    metadata,
    Column("id", Text, primary_key=True, info=CLEANED),
    # The name of the action; its arguments and effects, line by line, as JSON, emptied by an erasure.
    Column("action", Text, nullable=False, info=CLEANED),
    Column("arguments", LargeBinary, nullable=False, info=CLEANED),
    Column("effects", LargeBinary, nullable=False, info=CLEANED),
    # A digest of all data that determine the effects. A different one makes the proposal void.
    Column("basis", LargeBinary, nullable=False, info=CLEANED),
    Column("note", Text, info=CLEANED),
    Column("proposed_by", Text, nullable=False, info=CLEANED),
    Column("proposed", BigInteger, nullable=False),
    Column("expires", BigInteger, nullable=False),
    Column("state", Text, nullable=False, info=CLEANED),
    Column("decided_by", Text, info=CLEANED),
    Column("decided", BigInteger),
    # The proposer: the account, names, and digests of addresses and subjects, as JSON; NULL: no user.
    Column("proposer", LargeBinary, info=CLEANED),
    # The organisations that had reported the value, as JSON; NULL: irrelevant.
    Column("witnesses", LargeBinary, info=CLEANED),
    Index("ix_proposals_state", "state", "proposed"),
    Index("ix_proposals_proposed_by", "proposed_by", "state"),
    Index("ix_proposals_proposed", "proposed", "id"),
)

# Values that no further collection lists while a proposal about them is open.
frozen_values = Table(
    "frozen_values",
    metadata,
    Column("subject", Text, nullable=False, primary_key=True, info=CLEANED),
    Column("proposal", Text, nullable=False, primary_key=True, info=CLEANED),
    # When it was first frozen within thirty days, and the end of freezing.
    Column("since", BigInteger, nullable=False),
    Column("until", BigInteger, nullable=False),
    # Whether it was processed after that.
    Column("is_over", Boolean, nullable=False),
    Index("ix_frozen_values_until", "is_over", "until"),
    Index("ix_frozen_values_proposal", "proposal"),
)
