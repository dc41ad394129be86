"""The audit trail of what operators do with partners."""

from schemas.partner import Partner
from server.store import audit, hub_identity
from server.store.audit import AuditEvent
from server.store.database.engine import Tx
from server.store.database.times import now


def record(tx: Tx, verb: str, partner: Partner | None, by: str, before: str = "") -> None:
    """Add to the audit trail what a person did with a partner, or with the hub, and what was there ``before``."""
    moment = now()
    identity = hub_identity.identity(tx) if partner is None else partner.identity
    reference = f"{identity} {before}".rstrip()
    audit.record_unsealed(tx, [AuditEvent(moment, moment, 1, None, by, verb, "partner", None, 200, 0, reference)])
