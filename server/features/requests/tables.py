"""The tables of this folder, in the metadata that all tables share."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    false,
    text,
)

from server.store.release_tables import metadata
from server.store.tables import CLEANED, STAYS

__all__ = ["metadata", "request_parties", "request_steps", "requests"]

# The current state of requests between institutions; moments in microseconds.
requests = Table(
    "requests",
    metadata,
    # Random.
    Column("id", Text, primary_key=True, info=CLEANED),
    # The first request of its chain, the one whose response opened it, and how many opened before it.
    Column("chain", Text, nullable=False, info=CLEANED),
    Column("earlier", Text, info=CLEANED),
    Column("hop", Integer, nullable=False),
    # For a later hop: the partner whose response named the account, and whether the order is hidden from its addressee,
    # because the sender has not confirmed it.
    Column("named_by", Text, info=CLEANED),
    Column("withheld", Boolean, nullable=False, server_default=false()),
    Column("sender", Text, nullable=False, info=CLEANED),
    # NULL: no partner at this hub is the addressee, and no other hub was asked.
    Column("addressee", Text, info=CLEANED),
    # The id under which the sender sent it; the hub's own for a later hop.
    Column("sent_as", Text, nullable=False, info=CLEANED),
    # The value's name in the value index, and the request as JSON.
    Column("subject", Text, nullable=False, info=CLEANED),
    Column("content", Text, nullable=False, info=CLEANED),
    Column("state", Text, nullable=False, info=CLEANED),
    Column("agreed", Text, info=CLEANED),
    Column("done", Text, info=CLEANED),
    Column("opened", BigInteger, nullable=False),
    Column("changed", BigInteger, nullable=False),
    Column("deadline", BigInteger, nullable=False),
    # Whether its parties know that the deadline has passed.
    Column("reminded", Boolean, nullable=False),
    # For a police freeze: the id of the report that holds the money, and until when; NULL once it ended.
    Column("hold", Text, info=CLEANED),
    Column("hold_until", BigInteger),
    # The origin of the hub where its sender or its addressee is; NULL: both are here, or there is no addressee.
    Column("peer", Text, info=STAYS),
    # The known facts about that side, and about a sender elsewhere whose money a hop follows (JSON).
    Column("remote", Text, info=CLEANED),
    # Of a takedown request; all are NULL for one about money. The act, its basis, and the sender's number of the case.
    Column("asks", Text, info=STAYS),
    Column("basis", Text, info=STAYS),
    Column("case_number", Text, info=CLEANED),
    # The time for a response in microseconds. ``deadline`` is ``served_at`` and this once the request is served.
    Column("allowed", BigInteger),
    # The first provable moment at which the addressee received it, and the channel.
    Column("served_at", BigInteger),
    Column("served_by", Text, info=STAYS),
    # The newest response, and when the first one came that ended the wait.
    Column("response", Text, info=STAYS),
    Column("responded_at", BigInteger),
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
    Index(
        "takedowns_to",
        "addressee",
        "state",
        "deadline",
        sqlite_where=text("asks IS NOT NULL"),
        postgresql_where=text("asks IS NOT NULL"),
    ),
    Index(
        "takedowns_from",
        "sender",
        "case_number",
        sqlite_where=text("asks IS NOT NULL"),
        postgresql_where=text("asks IS NOT NULL"),
    ),
    # Those served since their parties were last told.
    Index(
        "takedowns_untold",
        "served_at",
        sqlite_where=text("asks IS NOT NULL AND served_at >= changed"),
        postgresql_where=text("asks IS NOT NULL AND served_at >= changed"),
    ),
    Index(
        "takedowns_unserved",
        "addressee",
        "opened",
        sqlite_where=text("asks IS NOT NULL AND served_at IS NULL"),
        postgresql_where=text("asks IS NOT NULL AND served_at IS NULL"),
    ),
)

# The partners that may see a request: its sender, its addressee, and those named by the sender.
request_parties = Table(
    "request_parties",
    metadata,
    Column("partner", Text, nullable=False, info=CLEANED),
    Column("request", Text, ForeignKey("requests.id", ondelete="CASCADE"), nullable=False, info=CLEANED),
    Column("role", Text, nullable=False, info=CLEANED),
    Column("opened", BigInteger, nullable=False),
    PrimaryKeyConstraint("partner", "request"),
    Index("request_parties_by_time", "partner", "opened"),
    Index("request_parties_of_request", "request"),
)

# The steps of requests, in order: actor, amount, reason, and destination of the money (JSON).
request_steps = Table(
    "request_steps",
    metadata,
    Column("request", Text, ForeignKey("requests.id", ondelete="CASCADE"), nullable=False, info=CLEANED),
    Column("number", Integer, nullable=False),
    Column("state", Text, nullable=False, info=CLEANED),
    Column("at", BigInteger, nullable=False),
    # The sender, the addressee, or the hub.
    Column("by", Text, nullable=False, info=CLEANED),
    Column("amount", Text, info=CLEANED),
    Column("currency", Text, info=CLEANED),
    Column("reason", Text, info=CLEANED),
    Column("went_to", Text, info=CLEANED),
    # The id under which the response was sent.
    Column("sent_as", Text, info=CLEANED),
    # The message by ISO 20022 that said it, and the return (JSON).
    Column("payment", Text, info=CLEANED),
    # The response to a takedown request, and what it says beside its reason (JSON).
    Column("response", Text, info=STAYS),
    Column("responded", Text, info=CLEANED),
    PrimaryKeyConstraint("request", "number"),
)
