"""The tables of incidents: the selected reports, and the decisions on them."""

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, LargeBinary, PrimaryKeyConstraint, Table, Text

from server.store.tables import APART, CLEANED, metadata

__all__ = ["incident_decisions", "incident_partners", "incident_reports", "incidents", "metadata"]

incidents = Table(
    "incidents",
    metadata,
    Column("id", Text, primary_key=True, info=APART),
    # The partner that selected its own reports; NULL: an operator of the hub.
    Column("owner", Text, info=CLEANED),
    Column("made_by", Text, nullable=False, info=CLEANED),
    Column("made", BigInteger, nullable=False),
    Column("reason", Text, nullable=False, info=CLEANED),
    # The conditions of the selection as JSON, without its list of values.
    Column("chosen", LargeBinary, nullable=False, info=CLEANED),
    # selecting, ready
    Column("state", Text, nullable=False, info=APART),
    Column("reports", BigInteger, nullable=False),
    # A digest of all selected reports in their order.
    Column("digest", LargeBinary, nullable=False, info=APART),
    # The content and the readers of the selection, as JSON without values.
    Column("summary", LargeBinary, nullable=False, info=CLEANED),
    Index("ix_incidents_made", "made"),
    Index("ix_incidents_owner", "owner", "made"),
)

incident_reports = Table(
    "incident_reports",
    metadata,
    Column("incident", Text, ForeignKey("incidents.id"), nullable=False, info=APART),
    Column("place", Integer, nullable=False),
    Column("key", Text, nullable=False, info=CLEANED),
    Column("subject", Text, nullable=False, info=CLEANED),
    # When the hub received the selected version.
    Column("received", BigInteger, nullable=False),
    # Why the last decision left it out; NULL: it did not.
    Column("left_out", Text, info=APART),
    PrimaryKeyConstraint("incident", "place"),
    Index("ix_incident_reports_key", "incident", "key", unique=True),
)

# The partners whose reports are selected.
incident_partners = Table(
    "incident_partners",
    metadata,
    Column("incident", Text, ForeignKey("incidents.id"), nullable=False, info=APART),
    Column("partner", Text, nullable=False, info=CLEANED),
    Column("reports", BigInteger, nullable=False),
    PrimaryKeyConstraint("incident", "partner"),
    Index("ix_incident_partners_partner", "partner"),
)

incident_decisions = Table(
    "incident_decisions",
    metadata,
    Column("incident", Text, ForeignKey("incidents.id"), nullable=False, info=APART),
    Column("number", Integer, nullable=False),
    # hold, release, retract
    Column("decision", Text, nullable=False, info=APART),
    # NULL: one person decided.
    Column("proposal", Text, info=APART),
    Column("decided_by", Text, nullable=False, info=CLEANED),
    Column("begun", BigInteger, nullable=False),
    # NULL: not yet.
    Column("ended", BigInteger),
    # The numbers of changed reports, and of those left out by reason, as JSON.
    Column("counts", LargeBinary, nullable=False, info=APART),
    PrimaryKeyConstraint("incident", "number"),
)
