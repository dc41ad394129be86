"""The tables of this folder, in the metadata that all tables share."""

from sqlalchemy import BigInteger, Column, Index, PrimaryKeyConstraint, Table, Text, text

from server.store.tables import CLEANED, STAYS, metadata

__all__ = ["metadata", "peer_messages", "peer_messages_taken"]

# This hub's newest message of each kind to a peer about one matter.
peer_messages = Table(
    "peer_messages",
    metadata,
    # The origin of the peer: the name of its key.
    Column("peer", Text, nullable=False, info=STAYS),
    # The matter: random.
    Column("thread", Text, nullable=False, info=STAYS),
    Column("kind", Text, nullable=False, info=STAYS),
    # JSON.
    Column("content", Text, nullable=False, info=CLEANED),
    Column("noted", BigInteger, nullable=False),
    # The number under which it was published; NULL: it waits.
    Column("number", BigInteger),
    PrimaryKeyConstraint("peer", "thread", "kind"),
)
Index(
    "ix_peer_messages_waiting",
    peer_messages.c.peer,
    peer_messages.c.noted,
    sqlite_where=text("number IS NULL"),
    postgresql_where=text("number IS NULL"),
)

# The newest number of each message taken from a peer.
peer_messages_taken = Table(
    "peer_messages_taken",
    metadata,
    Column("peer", Text, nullable=False, info=STAYS),
    Column("thread", Text, nullable=False, info=STAYS),
    Column("kind", Text, nullable=False, info=STAYS),
    Column("number", BigInteger, nullable=False),
    # The reason if this hub refused the message, otherwise NULL.
    Column("refused", Text, info=STAYS),
    PrimaryKeyConstraint("peer", "thread", "kind"),
)
