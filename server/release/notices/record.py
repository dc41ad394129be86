"""Sign a notice, and note in the audit trail that it was made."""

from typing import Any

from schemas.api.lookup import ValueReading
from schemas.partner import Partner
from schemas.proof.signatures import SigningKeys
from server.release.notices.statement import digest_of, statement
from server.store import audit
from server.store.audit import AuditEvent
from server.store.database.engine import Tx
from server.store.database.times import now


def signed(tx: Tx, value: ValueReading, partner: Partner, keys: SigningKeys, by: str) -> dict[str, Any]:
    """Return the signed notice about a value; the audit trail has its digest."""
    stated = statement(tx, value, partner)
    moment = now()
    event = AuditEvent(moment, moment, 1, partner.name, by, "MAKE", "notice", None, 200, 1, digest_of(stated))
    audit.record_unsealed(tx, [event])
    return keys.sign(stated)
