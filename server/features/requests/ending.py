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
from schemas.request import RequestReason, RequestState, RequestWord
from schemas.takedown import TakedownBasis
from server.features.registries import changes
from server.features.requests import hub_requests, records as requests, views
from server.features.requests.ageing import close_for_hub, next_moment, store_changed
from server.features.requests.demands import is_order, rule_on
from server.features.requests.records import HELD, HUB_SENDER, UNANSWERED, StoredRequest, StoredStep
from server.release.fuse.statements import ReportedValue
from server.release.gate.leaving import Ruling
from server.release.guard.allowlists import hub_values
from server.release.hub import Hub
from server.release.query.lookup import active_reports
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
_AGAINST_HOLDERS = frozenset({RequestWord.FREEZE, RequestWord.SUSPEND, RequestWord.DISCONNECT})


def note_ended(tx: Tx, subjects: Iterable[str], at: int) -> None:
    """Let the clock of requests look at values whose listing ended, or whose holder is protected from now on."""
    changes.note(tx, (READER,), subjects, at)


def end_noted(hub: Hub) -> int:
    """End the requests that rest on the noted values' ended listings; return how many hosts were asked to restore."""
    with hub.store.read() as tx:
        noted = changes.noted(tx, READER, _AT_ONCE)
    done = 0
    for subject, at in noted.items():
        with hub.store.begin() as tx:
            done += len(_end(hub, tx, subject))
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
    return bool(ends) and all(end is not None and micros(timestamp.parse(end)) <= at for end in ends)


def end_cleared(hub: Hub, tx: Tx, subject: str, case: str) -> list[StoredRequest]:
    """End all requests by notice about a value that the hub cleared; return those that ask hosts to restore."""
    return _end_by_notice(hub, tx, requests.about(tx, subject), case, RequestReason.LISTING_ENDED)


def _end(hub: Hub, tx: Tx, subject: str) -> list[StoredRequest]:
    found = requests.about(tx, subject)
    if not found:
        return []
    if not active_reports(tx, subject):
        rest = _resting_on_reports(tx, subject, found)
        return _end_by_notice(hub, tx, rest, _CASES[RequestReason.LISTING_ENDED], RequestReason.LISTING_ENDED)
    session = ReleaseSession.open(hub, tx)
    [value] = session.load([subject])
    if value.answer is not None and value.is_cleared:
        before = [stored for stored in found if stored.opened < micros(value.answer.at)]
        return _end_by_notice(hub, tx, before, _CASES[RequestReason.FOUND_WRONG], RequestReason.LISTING_ENDED)
    return _end_by_gate(hub, tx, session, value, found)


def _end_by_gate(
    hub: Hub, tx: Tx, session: ReleaseSession, value: ReportedValue, found: Sequence[StoredRequest]
) -> list[StoredRequest]:
    """End the requests by notice that the gate would now hold or refuse: a harmless value, a protected holder."""
    made: list[StoredRequest] = []
    for stored in found:
        request = views.request_of(stored)
        if request.asks is RequestWord.RESTORE:
            continue
        decision = rule_on(session.context, hub.allowlists, request, None)
        is_against_holder = value.coerced and request.asks in _AGAINST_HOLDERS
        if decision.ruling is Ruling.LEAVES or (decision.ruling is Ruling.REFUSE and not is_against_holder):
            continue
        why = RequestReason.HOLDER_COERCED if is_against_holder else RequestReason.HARMLESS_VALUE
        if stored.state != HELD:
            made += _end_by_notice(hub, tx, [stored], _CASES[why], why)
    return made


def _end_by_notice(
    hub: Hub, tx: Tx, found: Iterable[StoredRequest], case: str, why: RequestReason
) -> list[StoredRequest]:
    """Close requests by notice, undo what hosts did by them, and tell the authorities of orders."""
    undone: list[StoredRequest] = []
    for stored in found:
        request = views.request_of(stored)
        if is_order(request):
            _tell_authority(hub, tx, stored, why)
        elif request.is_takedown:
            undone += hub_requests.restore(hub, tx, [stored], case, why)
        elif request.asks is RequestWord.FREEZE and stored.state in (HELD, *UNANSWERED):
            close_for_hub(hub, tx, stored.id, why)
    return undone


def _tell_authority(hub: Hub, tx: Tx, stored: StoredRequest, why: RequestReason) -> None:
    """Tell the parties of an order, once, that its value is no longer listed; the order stays in force."""
    if stored.state == RequestState.CLOSED:
        return
    steps = requests.steps(tx, [stored.id])[stored.id]
    if any(step.by == views.HUB and step.reason == why for step in steps):
        return
    told = StoredStep(stored.id, len(steps), stored.state, next_moment(stored), views.HUB, reason=why)
    requests.add_step(tx, told)
    store_changed(hub, tx, stored, FeedbackEvent.ANSWERED)


def _resting_on_reports(tx: Tx, subject: str, found: Sequence[StoredRequest]) -> list[StoredRequest]:
    """Return the requests that rested on the retracted reports of a value."""
    if hub_values.delisted_subjects(tx, [subject]):
        return list(found)
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
