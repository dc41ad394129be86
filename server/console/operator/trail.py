"""The audit trail of what persons do on the pages."""

from server.store import audit
from server.store.audit import AuditEvent
from server.store.database.engine import Tx
from server.store.database.times import now
from server.store.operators.users import User


def note(
    tx: Tx, verb: str, route: str, by: User, reference: str | None, *, status: int = 200, objects: int = 1
) -> None:
    """Add what a person did, or tried, to the trail; with ids, and never with a value."""
    moment = now()
    event = AuditEvent(moment, moment, 1, by.partner, by.name, verb, route, None, status, objects, reference)
    audit.record_unsealed(tx, [event])


def note_of_nobody(tx: Tx, verb: str, route: str, *, status: int) -> None:
    """Add to the trail what somebody tried who is known by nothing."""
    moment = now()
    audit.record_unsealed(tx, [AuditEvent(moment, moment, 1, None, "", verb, route, None, status, 1, None)])
