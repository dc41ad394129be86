"""The end of a listing ends the requests about its value that rest on it, and undoes their acts.

A request by notice rests on the listing in three cases: its sender reported the value, others had reported it before
the request was sent, or the hub itself found it wrong. So no partner ends another's request by a report and its
retraction. A request about money rests on its sender's own claim, and never on others' reports. Only its authority ends
an order; the hub tells its parties.
"""

from collections.abc import Iterable, Sequence

import msgspec

from schemas import timestamp
from schemas.partner import Partner
from schemas.records import FeedbackEvent
from schemas.request import Request, RequestReason, RequestState, RequestWord
from schemas.takedown import TakedownBasis
from server.features.registries import changes
from server.features.requests import hub_requests, records as requests, views
from server.features.requests.ageing import close_for_hub, next_moment, store_changed
from server.features.requests.demands import is_order, rule_on, was_held, word_of
from server.features.requests.records import HELD, HUB_SENDER, UNANSWERED, StoredRequest, StoredStep
from server.release.context import ReleaseContext, open_context
from server.release.gate.leaving import Ruling
from server.release.guard.allowlists import hub_values
from server.release.hub import Hub
from server.release.query.lookup import active_reports
from server.release.reasons import Reason
from server.release.session import ReleaseSession
from server.store import collections, inbox, log, partners, value_index
from server.store.database.engine import Tx
from server.store.database.times import micros
from server.store.inbox import object_id

# The reader of delisted values, and the hub's numbers of the cases in its requests.
READER = "restore"
_CASES = {
    RequestReason.LISTING_ENDED: "RETRACTED",
    RequestReason.HARMLESS_VALUE: "HARMLESS",
    RequestReason.HOLDER_COERCED: "COERCED",
    RequestReason.FOUND_WRONG: "FINDING",
}
_AT_ONCE = 100


def note_ended(tx: Tx, subjects: Iterable[str], at: int) -> None:
    """Let the clock of requests look at values whose listing ended, or whose holder is protected from now on."""
    changes.note(tx, (READER,), subjects, at)


def end_noted(hub: Hub) -> int:
    """End the requests that rest on the noted values' ended listings; return how many hosts were asked to restore."""
    with hub.store.read() as tx:
        noted = changes.noted(tx, READER, _AT_ONCE)
    done = 0
    for subject, at in noted.items():
        with hub.store.read() as tx:
            ids = [stored.id for stored in requests.about(tx, subject)]
        for start in range(0, len(ids), _AT_ONCE):
            with hub.store.begin() as tx:
                found = requests.find(tx, ids[start : start + _AT_ONCE])
                done += len(_end(hub, tx, subject, list(found.values())))
        with hub.store.begin() as tx:
            changes.done(tx, READER, {subject: at})
    return done


def end_expired(hub: Hub, at: int) -> int:
    """End the overdue requests by notice whose value is no longer listed, because its reports have expired.

    ``at`` is a moment (microseconds). Return how many requests were looked at and ended.
    """
    with hub.store.read() as tx:
        found = requests.find(tx, requests.to_remind(tx, at, _AT_ONCE))
        expired = [id_ for id_, stored in found.items() if _has_expired(tx, stored, at)]
    for id_ in expired:
        with hub.store.begin() as tx:
            stored = requests.find(tx, [id_])[id_]
            _end_by_notice(hub, tx, [stored], _CASES[RequestReason.LISTING_ENDED], RequestReason.LISTING_ENDED)
    return len(expired)


def _has_expired(tx: Tx, stored: StoredRequest, at: int) -> bool:
    """Return whether a request by notice rests on reports that are not retracted, and that have all expired."""
    if stored.basis in (None, TakedownBasis.ORDER) or stored.asks == RequestWord.RESTORE:
        return False
    reports = inbox.latest(tx, active_reports(tx, stored.subject))
    ends = [msgspec.json.decode(item.body).get("valid_until") for item in reports.values()]
    if not ends or any(end is None or micros(timestamp.parse(end)) > at for end in ends):
        return False
    return bool(_resting_on_reports(tx, stored.subject, [stored]))


def end_cleared(hub: Hub, tx: Tx, subject: str, case: str) -> list[StoredRequest]:
    """End all requests by notice about a value that the hub cleared; return those that ask hosts to restore."""
    return _end_by_notice(hub, tx, requests.about(tx, subject), case, RequestReason.LISTING_ENDED)


def _end(hub: Hub, tx: Tx, subject: str, found: Sequence[StoredRequest]) -> list[StoredRequest]:
    made: list[StoredRequest] = []
    context = open_context(hub, tx)
    if active_reports(tx, subject):
        [value] = ReleaseSession(context).load([subject])
        if value.answer is not None and value.is_cleared:
            before = [stored for stored in found if stored.opened < micros(value.answer.at)]
            return _end_by_notice(hub, tx, before, _CASES[RequestReason.FOUND_WRONG], RequestReason.LISTING_ENDED)
    else:
        rest = _resting_on_reports(tx, subject, found)
        made += _end_by_notice(hub, tx, rest, _CASES[RequestReason.LISTING_ENDED], RequestReason.LISTING_ENDED)
        ended = {stored.id for stored in rest}
        found = [stored for stored in found if stored.id not in ended]
    return made + _end_by_gate(hub, tx, context, found)


def _end_by_gate(hub: Hub, tx: Tx, context: ReleaseContext, found: Sequence[StoredRequest]) -> list[StoredRequest]:
    """End the requests by notice that the gate would not let pass now: a harmless value, a protected holder.

    One that operators released for the same reason stays: they decided on it.
    """
    made: list[StoredRequest] = []
    steps = requests.steps(tx, [stored.id for stored in found])
    for stored in found:
        request = views.request_of(stored)
        if request.asks is RequestWord.RESTORE or stored.state == HELD:
            continue
        decision = rule_on(context, hub.allowlists, request, context.registry.partners.get(stored.sender))
        if decision.ruling is Ruling.LEAVES or was_held(steps[stored.id], word_of(decision)):
            continue
        is_of_holder = decision.code == Reason.HOLDER_COERCED.code
        is_read = is_of_holder and _may_all_read(hub, context, stored, request)
        why = RequestReason.HOLDER_COERCED if is_read else word_of(decision)
        made += _end_by_notice(hub, tx, [stored], _CASES[why], why)
    return made


def _may_all_read(hub: Hub, context: ReleaseContext, stored: StoredRequest, request: Request) -> bool:
    """Return whether all parties of a request may read that the holder acts under coercion."""
    parties = [context.registry.partners.get(name) for name in requests.parties(context.tx, stored.id)]
    codes = {rule_on(context, hub.allowlists, request, party).code for party in parties}
    return codes == {Reason.HOLDER_COERCED.code}


def _end_by_notice(
    hub: Hub, tx: Tx, found: Iterable[StoredRequest], case: str, why: RequestReason
) -> list[StoredRequest]:
    """Close requests by notice, undo what hosts did by them, and tell the authorities of orders."""
    undone: list[StoredRequest] = []
    for stored in found:
        request = views.request_of(stored)
        if is_order(request):
            _tell_authority(hub, tx, stored.id, why)
        elif request.is_takedown:
            undone += hub_requests.restore(hub, tx, [stored], case, why)
        elif request.asks is RequestWord.FREEZE and stored.state in (HELD, *UNANSWERED):
            close_for_hub(hub, tx, stored.id, why)
    return undone


def _tell_authority(hub: Hub, tx: Tx, id_: str, why: RequestReason) -> None:
    """Tell the parties of an order, once, that its value is no longer listed; the order stays in force."""
    stored = requests.lock(tx, id_)
    if stored is None or stored.state == RequestState.CLOSED:
        return
    steps = requests.steps(tx, [id_])[id_]
    if any(step.by == views.HUB and step.reason == why for step in steps):
        return
    told = StoredStep(stored.id, len(steps), stored.state, next_moment(stored), views.HUB, reason=why)
    requests.add_step(tx, told)
    store_changed(hub, tx, stored, FeedbackEvent.ANSWERED)


def _resting_on_reports(tx: Tx, subject: str, found: Sequence[StoredRequest]) -> list[StoredRequest]:
    """Return the requests about a value that rest on its reports, which have all ended."""
    if hub_values.delisted_subjects(tx, [subject]):
        steps = requests.steps(tx, [stored.id for stored in found])
        # One that operators released, although the value was found wrong, rests on their decision.
        return [one for one in found if one.state == HELD or not was_held(steps[one.id], RequestReason.FOUND_WRONG)]
    registry = partners.load_registry(tx)
    keys = [key for key in value_index.find(tx, [subject]).get(subject, ()) if object_id(key).startswith("indicator--")]
    added = log.first_added(tx, collections.get(tx, "inbox"), keys)
    reporters = {registry.by_space[inbox.space(key)].counts_as for key in keys if inbox.space(key) in registry.by_space}
    by_name = {partner.name: partner for partner in registry.by_identity.values()}
    return [
        stored
        for stored in found
        if _organisation(by_name.get(stored.sender)) in reporters
        or stored.sender == HUB_SENDER
        or (stored.asks is not None and any(at < stored.opened for at in added.values()))
    ]


def _organisation(partner: Partner | None) -> str:
    return "" if partner is None else partner.counts_as
