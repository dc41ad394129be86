"""Time and requests: remind parties of deadlines, end police freezes, close requests without a response."""

from collections.abc import Iterable

from schemas.records import FeedbackEvent
from schemas.request import RequestReason, RequestState
from server.features.requests import places, records as requests, states, views
from server.features.requests.notes import RequestNotes
from server.features.requests.records import UNANSWERED, StoredRequest, StoredStep
from server.release.context import open_context
from server.release.hub import Hub
from server.release.peers import is_remote
from server.release.retract import retract
from server.store import partners
from server.store.database.engine import Tx
from server.store.database.times import now

_AT_ONCE = 100
_DAY = 86_400_000_000
_MILLISECOND = 1_000
# The reason on the receipts of a hold that has ended.
HOLD_ENDED = "the freeze has ended"


def age(hub: Hub, at: int | None = None) -> int:
    """Do the work due at a moment (microseconds), one request in each transaction; return the number of changed
    requests.
    """
    at = now() if at is None else at
    closing = at - hub.request_limits.unanswered_days * _DAY
    with hub.store.read() as tx:
        ending = requests.holds_to_end(tx, at, _AT_ONCE)
        closed = requests.to_close(tx, closing, _AT_ONCE)
        reminded = requests.to_remind(tx, at, _AT_ONCE)
        left = requests.left_behind(tx, at - _DAY, _AT_ONCE)
        untold = requests.not_told(tx, _AT_ONCE)
        returned = requests.without_former_addressee(tx, _AT_ONCE)
    for id_ in untold:
        with hub.store.begin() as tx:
            _tell_unconfirmed(hub, tx, id_)
    for id_ in ending:
        with hub.store.begin() as tx:
            _end_hold(hub, tx, id_, at)
    for id_ in closed:
        with hub.store.begin() as tx:
            _close(hub, tx, id_, closing)
    for id_ in left:
        with hub.store.begin() as tx:
            _close_left(hub, tx, id_)
    for id_ in returned:
        with hub.store.begin() as tx:
            _return_to_sender(hub, tx, id_)
    for id_ in reminded:
        with hub.store.begin() as tx:
            _remind(hub, tx, id_, at)
    return len({*untold, *ending, *closed, *left, *returned, *reminded})


def close_all(hub: Hub, tx: Tx, ids: Iterable[str]) -> None:
    """Close requests for the hub, in any state: their value is being erased."""
    for id_ in sorted(ids):
        stored = requests.lock(tx, id_)
        if stored is not None and stored.state != requests.ENDED:
            _end_with_hold(hub, tx, stored, states.closing_reason(RequestState(stored.state)))


def close_for_hub(hub: Hub, tx: Tx, id_: str, reason: RequestReason) -> None:
    """Close a request for the hub, whose parties then read the reason; one that has ended stays as it is."""
    stored = requests.lock(tx, id_)
    if stored is not None and stored.state != requests.ENDED:
        _end_with_hold(hub, tx, stored, reason)


def _end_with_hold(hub: Hub, tx: Tx, stored: StoredRequest, reason: RequestReason) -> None:
    if stored.hold is not None:
        retract(hub, tx, stored.hold, partners.get(tx, stored.sender, gone=True), HOLD_ENDED)
    _end(hub, tx, stored._replace(hold=None, hold_until=None), reason, FeedbackEvent.REQUESTED)


def _end_hold(hub: Hub, tx: Tx, id_: str, at: int) -> None:
    """End a police freeze at its own time, in any state of the request."""
    stored = requests.lock(tx, id_)
    if stored is None or stored.hold is None or stored.hold_until is None or stored.hold_until > at:
        return
    retract(hub, tx, stored.hold, partners.get(tx, stored.sender, gone=True), HOLD_ENDED)
    store_changed(hub, tx, stored._replace(hold=None, hold_until=None))


def _close(hub: Hub, tx: Tx, id_: str, before: int) -> None:
    """Close a request without a response; a police freeze stays open while it holds, so that it can be lifted."""
    stored = requests.lock(tx, id_)
    waits = stored is not None and stored.state in (requests.HELD, requests.UNCONFIRMED, *UNANSWERED)
    if stored is None or stored.hold is not None or not waits or stored.deadline > before:
        return
    _end(hub, tx, stored, RequestReason.UNANSWERED, FeedbackEvent.ANSWERED)


def _close_left(hub: Hub, tx: Tx, id_: str) -> None:
    """Close a request whose sender left a day ago, and can no longer close it: otherwise it would stay open."""
    stored = requests.lock(tx, id_)
    if stored is None or stored.hold is not None or stored.state == requests.ENDED:
        return
    if stored.sender in partners.departed_partners(tx):
        _end(hub, tx, stored, states.closing_reason(RequestState(stored.state)), FeedbackEvent.REQUESTED)


def _return_to_sender(hub: Hub, tx: Tx, id_: str) -> None:
    """Remove the addressee of a request if it left: the sender is told, and an operator can assign another."""
    stored = requests.lock(tx, id_)
    if stored is None or stored.state not in UNANSWERED or stored.addressee not in partners.departed_partners(tx):
        return
    requests.remove_addressee(tx, id_)
    moment, state = next_moment(stored), str(RequestState.OPEN)
    number = len(requests.steps(tx, [id_])[id_])
    requests.add_step(tx, StoredStep(id_, number, state, moment, "hub", reason=RequestReason.ADDRESSEE_LEFT))
    # A takedown request is served anew once it has another addressee; others are never served.
    back = stored._replace(addressee=None, state=state, served_at=None, served_by=None)
    store_changed(hub, tx, places.reopened(back, moment) if back.asks else back, FeedbackEvent.ANSWERED)


def _end(hub: Hub, tx: Tx, stored: StoredRequest, reason: RequestReason, event: FeedbackEvent) -> None:
    moment, number = next_moment(stored), len(requests.steps(tx, [stored.id])[stored.id])
    requests.add_step(tx, StoredStep(stored.id, number, requests.ENDED, moment, "hub", reason=reason))
    store_changed(hub, tx, stored._replace(state=requests.ENDED, reminded=True), event)


def _tell_unconfirmed(hub: Hub, tx: Tx, id_: str) -> None:
    """Tell the parties of an older hop that it now waits for the sender's confirmation."""
    stored = requests.lock(tx, id_)
    steps = [] if stored is None else requests.steps(tx, [id_])[id_]
    if stored is None or stored.state != requests.UNCONFIRMED or any(step.state == stored.state for step in steps):
        return
    requests.add_step(tx, StoredStep(id_, len(steps), stored.state, next_moment(stored), views.HUB))
    store_changed(hub, tx, stored, FeedbackEvent.ANSWERED)


def _remind(hub: Hub, tx: Tx, id_: str, at: int) -> None:
    """Remind the parties of a request that its deadline has passed; end one of another hub without an addressee."""
    stored = requests.lock(tx, id_)
    if stored is None or stored.reminded or stored.state not in UNANSWERED or stored.deadline > at:
        return
    if stored.is_unserved:
        # No addressee is known to have received it.
        _end(hub, tx, stored, RequestReason.UNANSWERED, FeedbackEvent.ANSWERED)
    elif is_remote(stored.sender) and stored.addressee is None:
        # The sender is told early enough to ask elsewhere.
        _end(hub, tx, stored, RequestReason.NO_ADDRESSEE, FeedbackEvent.REQUESTED)
    else:
        store_changed(hub, tx, stored._replace(reminded=True), FeedbackEvent.REQUESTED)


def store_changed(hub: Hub, tx: Tx, changed: StoredRequest, event: FeedbackEvent | None = None) -> None:
    """Store a request, and tell its parties."""
    requests.change(tx, changed._replace(changed=next_moment(changed)))
    notes = RequestNotes()
    notes.add(changed.id, event)
    notes.publish(open_context(hub, tx))


def next_moment(stored: StoredRequest) -> int:
    """Return the moment (microseconds) of the next change of a request."""
    return max(now() // _MILLISECOND * _MILLISECOND, stored.changed + _MILLISECOND)
