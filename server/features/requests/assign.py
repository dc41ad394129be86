"""Assign a request without an addressee: an operator knows the account's provider."""

from typing import Any

from schemas.errors import Rejected
from schemas.partner import Partner
from schemas.records import FeedbackEvent
from schemas.request import Request
from server.features.requests import holds, places, records as requests, views
from server.features.requests.addressee import INSTITUTIONS, named, not_asked
from server.features.requests.ageing import next_moment, store_changed
from server.features.requests.demands import rule_on, was_held, word_of
from server.features.requests.notes import RequestNotes
from server.features.requests.records import ENDED, HELD, HUB_SENDER, StoredRequest, StoredStep
from server.features.requests.states import Role
from server.release.context import ReleaseContext, open_context
from server.release.contribute import contribute
from server.release.gate.leaving import Ruling
from server.release.hub import Hub
from server.release.peers import is_remote
from server.release.reasons import Reason
from server.store.database.engine import Tx
from server.store.database.times import micros, now
from server.store.item import Item


def assign(hub: Hub, tx: Tx, id_: str, partner: Partner) -> StoredRequest:
    """Make ``partner`` the addressee of a request without one at this hub. Raises ``Rejected``.

    One that the gate would not let pass now, and that operators have not released, is held instead.
    """
    stored, context = requests.lock(tx, id_), open_context(hub, tx)
    if stored is None or stored.addressee is not None or stored.state in (ENDED, HELD):
        raise Reason.UNKNOWN_REQUEST.rejected()
    steps, request = requests.steps(tx, [id_])[id_], views.request_of(stored)
    decision = rule_on(context, hub.allowlists, request, context.registry.partners.get(stored.sender))
    if decision.ruling is Ruling.REFUSE:
        raise Rejected(decision.code, decision.message)
    if decision.ruling is Ruling.HOLD and not was_held(steps):
        step = StoredStep(id_, len(steps), HELD, next_moment(stored), views.HUB, reason=word_of(decision))
        requests.add_step(tx, step)
        store_changed(hub, tx, stored._replace(state=HELD), FeedbackEvent.ANSWERED)
        return requests.find(tx, [id_])[id_]
    return give(hub, tx, context, stored, partner)


def give(hub: Hub, tx: Tx, context: ReleaseContext, stored: StoredRequest, partner: Partner) -> StoredRequest:
    """Make ``partner`` the addressee of an open request, and let its followers see it. Raises ``Rejected``."""
    id_, sender = stored.id, context.registry.partners.get(stored.sender)
    _check_addressee(stored, sender, partner)
    request = views.request_of(stored)
    add_followers(context, stored, request)
    requests.add_party(tx, stored, partner.name, Role.ADDRESSEE)
    changed = stored._replace(addressee=partner.name, changed=max(now(), stored.changed) // 1_000 * 1_000 + 1_000)
    if stored.is_unserved:
        changed = places.begun(changed, request, context.policy, partner)
    report = None if stored.earlier else _hold(context, request, sender, partner)
    if report is not None and request.until is not None:
        changed = changed._replace(hold=report["id"], hold_until=micros(request.until))
    requests.change(tx, changed)
    if report is not None and sender is not None and (failed := contribute(hub, tx, sender, [Item.of(report)]).failed):
        raise Rejected(failed[0].reason, failed[0].message)
    notes = RequestNotes()
    notes.add(id_, None if stored.withheld else FeedbackEvent.REQUESTED)
    notes.publish(open_context(hub, tx))
    return changed


def add_followers(context: ReleaseContext, stored: StoredRequest, request: Request) -> None:
    """Let the partners that the sender named follow a request."""
    for follower in filter(None, (named(context.registry, name) for name in request.also_to)):
        if follower.name != stored.sender:
            requests.add_party(context.tx, stored, follower.name, Role.FOLLOWER)


def _check_addressee(stored: StoredRequest, sender: Partner | None, partner: Partner) -> None:
    """Refuse a partner that cannot receive the request. Raises ``Rejected``."""
    if partner.kind not in INSTITUTIONS:
        raise Reason.NO_INSTITUTION.rejected()
    is_elsewhere = is_remote(stored.sender) or stored.sender == HUB_SENDER
    if not is_elsewhere and (sender is None or sender.counts_as == partner.counts_as):
        raise Reason.REQUEST_TO_YOURSELF.rejected()


def _hold(context: ReleaseContext, request: Request, sender: Partner | None, partner: Partner) -> dict[str, Any] | None:
    """Return the report that holds the money for an active police freeze, None for any other request."""
    is_ahead = request.until is not None and request.until > context.at
    if sender is None or not is_ahead or not holds.is_police_freeze(sender, request):
        return None
    followers = (named(context.registry, name) for name in request.also_to)
    readers = [partner, *(follower for follower in followers if follower)]
    never = not_asked(context.registry, request.of, readers)
    return holds.report(holds.new_id(), sender, request, readers, never)
