"""The tables of this folder, in the metadata that all tables share."""

from sqlalchemy import BigInteger, Column, ForeignKey, Integer, PrimaryKeyConstraint, Table, Text

from server.store.release_tables import metadata

__all__ = [
    "certificate_requirements",
    "client_certificates",
    "metadata",
    "sandbox_answers",
    "sandbox_changes",
    "sandbox_reads",
    "sandbox_runs",
]

# The rehearsal of each partner: its number, and the place in its collection at which it started.
sandbox_runs = Table(
    "sandbox_runs",
    metadata,
    Column("partner", Text, primary_key=True),
    Column("number", Integer, nullable=False),
    Column("started", BigInteger, nullable=False),
    Column("base", BigInteger, nullable=False),
    # The first read, from which on the minutes of the script are counted; NULL: nobody has read yet.
    Column("began", BigInteger),
    # When it was passed, or its time was over; NULL: it goes on.
    Column("ended", BigInteger),
    # As the client named itself in its last read.
    Column("agent", Text, nullable=False),
)

# What of the script was published: a change of a synthetic listing, by the names that the script has for them.
sandbox_changes = Table(
    "sandbox_changes",
    metadata,
    Column("partner", Text, nullable=False),
    Column("listing", Text, nullable=False),
    Column("change", Text, nullable=False),
    Column("object_id", Text, nullable=False),
    Column("added", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    # The end of what is listed.
    Column("until", BigInteger, nullable=False),
    PrimaryKeyConstraint("partner", "listing", "change"),
)

# The stretches of its collection that a client read, each when it first did: after one place, up to another.
sandbox_reads = Table(
    "sandbox_reads",
    metadata,
    Column("partner", Text, nullable=False),
    Column("after", BigInteger, nullable=False),
    Column("up_to", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    PrimaryKeyConstraint("partner", "after", "up_to"),
)

# The outcomes that a client sent of synthetic listings, each when it first did; "" stands for all others' ids.
sandbox_answers = Table(
    "sandbox_answers",
    metadata,
    Column("partner", Text, nullable=False),
    Column("object_id", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    # The end that the client gave it.
    Column("until", BigInteger),
    PrimaryKeyConstraint("partner", "object_id", "outcome"),
)

# The last certificate of each partner's client.
client_certificates = Table(
    "client_certificates",
    metadata,
    Column("partner", Text, primary_key=True),
    Column("issued", BigInteger, nullable=False),
    Column("number", Text, nullable=False),
    Column("script", Integer, nullable=False),
    Column("agent", Text, nullable=False),
)

# The collections that only partners whose client has a certificate are let read.
certificate_requirements = Table(
    "certificate_requirements",
    metadata,
    Column("collection", Integer, ForeignKey("collections.number"), primary_key=True),
)
