"""What goes on in the server, once for each answered request: metrics, one line of access log, the audit trail."""

from server.observe.audit_trail import wrote
from server.observe.observer import asked_from, failed_as, request, watch

__all__ = ["asked_from", "failed_as", "request", "watch", "wrote"]
