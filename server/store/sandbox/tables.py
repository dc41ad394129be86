"""The tables of this folder, in the metadata that all tables share."""

from sqlalchemy import BigInteger, Column, ForeignKey, Integer, PrimaryKeyConstraint, Table, Text

from server.store.release_tables import metadata
from server.store.tables import CLEANED

__all__ = [
    "certificate_requirements",
    "client_certificates",
    "metadata",
    "sandbox_answers",
    "sandbox_changes",
    "sandbox_reads",
    "sandbox_runs",
]

# The rehearsal of each partner: its number, and its first place in its collection.
sandbox_runs = Table(
    "sandbox_runs",
    metadata,
    Column("partner", Text, primary_key=True, info=CLEANED),
    Column("number", Integer, nullable=False),
    Column("started", BigInteger, nullable=False),
    Column("base", BigInteger, nullable=False),
    # The first read, from which the minutes of the script are counted; NULL: no read yet.
    Column("began", BigInteger),
    # When it was passed, or its time was up; NULL: it continues.
    Column("ended", BigInteger),
    # The client's name in its last read.
    Column("agent", Text, nullable=False, info=CLEANED),
)

# The published part of the script: changes of synthetic listings, by their names in the script.
sandbox_changes = Table(
    "sandbox_changes",
    metadata,
    Column("partner", Text, nullable=False, info=CLEANED),
    Column("listing", Text, nullable=False, info=CLEANED),
    Column("change", Text, nullable=False, info=CLEANED),
    Column("object_id", Text, nullable=False, info=CLEANED),
    Column("added", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    # The end of the listing.
    Column("until", BigInteger, nullable=False),
    PrimaryKeyConstraint("partner", "listing", "change"),
)

# The stretches of its collection that a client read, with the time of the first read: after one place, up to another.
sandbox_reads = Table(
    "sandbox_reads",
    metadata,
    Column("partner", Text, nullable=False, info=CLEANED),
    Column("after", BigInteger, nullable=False),
    Column("up_to", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    PrimaryKeyConstraint("partner", "after", "up_to"),
)

# The outcomes of synthetic listings that a client sent, with their first times; "" stands for all unknown ids.
sandbox_answers = Table(
    "sandbox_answers",
    metadata,
    Column("partner", Text, nullable=False, info=CLEANED),
    Column("object_id", Text, nullable=False, info=CLEANED),
    Column("outcome", Text, nullable=False, info=CLEANED),
    Column("at", BigInteger, nullable=False),
    # The end that the client stated.
    Column("until", BigInteger),
    PrimaryKeyConstraint("partner", "object_id", "outcome"),
)

# The last certificate of each partner's client.
client_certificates = Table(
    "client_certificates",
    metadata,
    Column("partner", Text, primary_key=True, info=CLEANED),
    Column("issued", BigInteger, nullable=False),
    Column("number", Text, nullable=False, info=CLEANED),
    Column("script", Integer, nullable=False),
    Column("agent", Text, nullable=False, info=CLEANED),
)

# The collections that only partners with a client certificate may be granted.
certificate_requirements = Table(
    "certificate_requirements",
    metadata,
    Column(
        "collection",
        Integer,
        ForeignKey("collections.number", name="fk_certificate_requirements_collection_collections"),
        primary_key=True,
    ),
)
