"""What goes on in the server, once for each answered request: metrics, one line of access log, the audit trail."""

from server.observe.requests import asked_from, failed_as, request, watch
from server.observe.trail import wrote

__all__ = ["asked_from", "failed_as", "request", "watch", "wrote"]
