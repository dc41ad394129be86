"""The tables of this folder, in the metadata that all tables share."""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, PrimaryKeyConstraint, Table, Text, text

from server.store.release_tables import metadata

__all__ = ["metadata", "request_parties", "request_steps", "requests"]

# Requests between institutions, as they stand now; moments in microseconds.
requests = Table(
    "requests",
    metadata,
    # Drawn at random.
    Column("id", Text, primary_key=True),
    # The first request of its chain, the one whose answer opened it, and how many opened before it.
    Column("chain", Text, nullable=False),
    Column("earlier", Text),
    Column("hop", Integer, nullable=False),
    Column("sender", Text, nullable=False),
    # NULL: nobody here is the one that is meant.
    Column("addressee", Text),
    # The id under which the sender sent it; the hub's own for a later hop.
    Column("sent_as", Text, nullable=False),
    # The value's name in the value index, and the request as JSON.
    Column("subject", Text, nullable=False),
    Column("content", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("agreed", Text),
    Column("done", Text),
    Column("opened", BigInteger, nullable=False),
    Column("changed", BigInteger, nullable=False),
    Column("deadline", BigInteger, nullable=False),
    # Whether its parties know that the deadline has passed.
    Column("reminded", Boolean, nullable=False),
    # Of a freeze by police: the id of the report that holds the money, and until when; NULL once it ended.
    Column("hold", Text),
    Column("hold_until", BigInteger),
    Index("requests_by_state", "state", "deadline"),
    Index(
        "requests_unaddressed",
        "state",
        "deadline",
        sqlite_where=text("addressee IS NULL"),
        postgresql_where=text("addressee IS NULL"),
    ),
    Index("requests_of_sender", "sender", "sent_as", unique=True),
    Index("requests_opened", "sender", "opened"),
    Index("requests_of_sender_by_state", "sender", "state"),
    Index("requests_of_chain", "chain"),
    Index("requests_of_subject", "subject"),
    Index("requests_holding", "hold_until"),
)

# The partners that may see a request: its sender, its addressee, and those whom the sender named.
request_parties = Table(
    "request_parties",
    metadata,
    Column("partner", Text, nullable=False),
    Column("request", Text, ForeignKey("requests.id", ondelete="CASCADE"), nullable=False),
    Column("role", Text, nullable=False),
    Column("opened", BigInteger, nullable=False),
    PrimaryKeyConstraint("partner", "request"),
    Index("request_parties_by_time", "partner", "opened"),
    Index("request_parties_of_request", "request"),
)

# The steps of requests, in their order: by whom, how much, why, and where the money went (JSON).
request_steps = Table(
    "request_steps",
    metadata,
    Column("request", Text, ForeignKey("requests.id", ondelete="CASCADE"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    # The sender, the addressee, or the hub.
    Column("by", Text, nullable=False),
    Column("amount", Text),
    Column("currency", Text),
    Column("reason", Text),
    Column("went_to", Text),
    # The id under which the answer was sent.
    Column("sent_as", Text),
    PrimaryKeyConstraint("request", "number"),
)
