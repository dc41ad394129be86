"""The audit trail of what operators do with partners."""

from schemas.partner import Partner
from server.store import audit
from server.store.audit import AuditEvent
from server.store.database.engine import Tx
from server.store.database.times import now


def record(tx: Tx, verb: str, partner: Partner, by: str) -> None:
    """Add to the audit trail what a person did with a partner."""
    moment = now()
    audit.record_unsealed(
        tx, [AuditEvent(moment, moment, 1, None, by, verb, "partner", None, 200, 0, partner.identity)]
    )
