"""Assign a request that found no addressee: an operator knows whose account it is."""

from typing import Any

from schemas.errors import Rejected
from schemas.feedback import FeedbackEvent
from schemas.partner import Partner
from schemas.request import Request
from server.release.context import ReleaseContext, open_context
from server.release.contribute import contribute
from server.release.hub import Hub
from server.release.reasons import Reason
from server.release.requests import holds, views
from server.release.requests.addressee import INSTITUTIONS, named, not_asked
from server.release.requests.notes import RequestNotes
from server.release.requests.states import Role
from server.store import audit
from server.store.audit import AuditEvent
from server.store.database.engine import Tx
from server.store.database.times import micros, now
from server.store.item import Item
from server.store.requests import requests
from server.store.requests.requests import ENDED, StoredRequest


def assign(hub: Hub, tx: Tx, id_: str, partner: Partner, by: str) -> StoredRequest:
    """Let ``partner`` answer a request that nobody here is asked by. Raises ``Rejected``."""
    stored = requests.lock(tx, id_)
    context = open_context(hub, tx)
    if stored is None or stored.addressee is not None or stored.state == ENDED:
        raise Reason.UNKNOWN_REQUEST.rejected()
    if partner.kind not in INSTITUTIONS:
        raise Reason.NO_INSTITUTION.rejected()
    sender = context.registry.partners.get(stored.sender)
    if sender is None or sender.counts_as == partner.counts_as:
        raise Reason.REQUEST_TO_YOURSELF.rejected()
    requests.add_party(tx, stored, partner.name, Role.ADDRESSEE)
    changed = stored._replace(addressee=partner.name, changed=max(now(), stored.changed) // 1_000 * 1_000 + 1_000)
    request = views.request_of(stored)
    report = _hold(context, request, sender, partner) if stored.earlier is None else None
    if report is not None and request.until is not None:
        changed = changed._replace(hold=report["id"], hold_until=micros(request.until))
    requests.change(tx, changed)
    if report is not None:
        failed = contribute(hub, tx, sender, [Item.of(report)]).failed
        if failed:
            raise Rejected(failed[0].reason, failed[0].message)
    moment = now()
    audit.record_unsealed(tx, [AuditEvent(moment, moment, 1, None, by, "ASSIGN", "request", None, 200, 1, id_)])
    notes = RequestNotes()
    notes.add(id_, FeedbackEvent.REQUESTED)
    notes.publish(open_context(hub, tx))
    return changed


def _hold(context: ReleaseContext, request: Request, sender: Partner, partner: Partner) -> dict[str, Any] | None:
    """Return the report that holds the money, for a freeze by police that is not over; None for all else."""
    is_ahead = request.until is not None and request.until > context.at
    if not is_ahead or not holds.is_police_freeze(sender, request):
        return None
    followers = (named(context.registry, name) for name in request.also_to)
    readers = [partner, *(follower for follower in followers if follower)]
    never = not_asked(context.registry, request.of, readers)
    return holds.report(holds.new_id(), sender, request, readers, never)
