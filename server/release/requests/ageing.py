"""Time and requests: parties are reminded of deadlines, freezes of police end, what nobody answers is closed."""

from collections.abc import Iterable

from schemas.feedback import FeedbackEvent
from schemas.request import RequestReason, RequestState
from server.release.context import open_context
from server.release.hub import Hub
from server.release.requests import states
from server.release.requests.notes import RequestNotes
from server.release.retract import retract
from server.store import partners
from server.store.database.engine import Tx
from server.store.database.times import now
from server.store.requests import requests
from server.store.requests.requests import UNANSWERED, StoredRequest, StoredStep

_AT_ONCE = 100
_DAY = 86_400_000_000
_MILLISECOND = 1_000
# The reason on the receipts of a hold that is over.
HOLD_ENDED = "the freeze has ended"


def age(hub: Hub, at: int | None = None) -> int:
    """Do what is due at a moment (microseconds), a request a transaction; return for how many something was done."""
    at = now() if at is None else at
    closing = at - hub.request_limits.unanswered_days * _DAY
    with hub.store.read() as tx:
        ending = requests.holds_to_end(tx, at, _AT_ONCE)
        closed = requests.to_close(tx, closing, _AT_ONCE)
        reminded = requests.to_remind(tx, at, _AT_ONCE)
        left = requests.left_behind(tx, at - _DAY, _AT_ONCE)
    for id_ in ending:
        with hub.store.begin() as tx:
            _end_hold(hub, tx, id_, at)
    for id_ in closed:
        with hub.store.begin() as tx:
            _close(hub, tx, id_, closing)
    for id_ in left:
        with hub.store.begin() as tx:
            _close_left(hub, tx, id_)
    for id_ in reminded:
        with hub.store.begin() as tx:
            _remind(hub, tx, id_, at)
    return len({*ending, *closed, *left, *reminded})


def close_all(hub: Hub, tx: Tx, ids: Iterable[str]) -> None:
    """Close requests for the hub, whatever their states: of a value that is erased."""
    for id_ in sorted(ids):
        stored = requests.lock(tx, id_)
        if stored is not None and stored.state != requests.ENDED:
            if stored.hold is not None:
                retract(hub, tx, stored.hold, partners.get(tx, stored.sender, gone=True), HOLD_ENDED)
            reason = states.closing_reason(RequestState(stored.state))
            _end(hub, tx, stored._replace(hold=None, hold_until=None), reason, FeedbackEvent.REQUESTED)


def _end_hold(hub: Hub, tx: Tx, id_: str, at: int) -> None:
    """End a freeze of police at its own time, whatever became of the request."""
    stored = requests.lock(tx, id_)
    if stored is None or stored.hold is None or stored.hold_until is None or stored.hold_until > at:
        return
    retract(hub, tx, stored.hold, partners.get(tx, stored.sender, gone=True), HOLD_ENDED)
    _store(hub, tx, stored._replace(hold=None, hold_until=None))


def _close(hub: Hub, tx: Tx, id_: str, before: int) -> None:
    """Close a request that nobody answered; a freeze by police stays open as long as it holds, to be lifted."""
    stored = requests.lock(tx, id_)
    if stored is None or stored.hold is not None or stored.state not in UNANSWERED or stored.deadline > before:
        return
    _end(hub, tx, stored, RequestReason.UNANSWERED, FeedbackEvent.ANSWERED)


def _close_left(hub: Hub, tx: Tx, id_: str) -> None:
    """Close a request whose sender left a day ago, and can close nothing: else it would stay open, and be kept."""
    stored = requests.lock(tx, id_)
    if stored is None or stored.hold is not None or stored.state == requests.ENDED:
        return
    if stored.sender in partners.departed_partners(tx):
        _end(hub, tx, stored, states.closing_reason(RequestState(stored.state)), FeedbackEvent.REQUESTED)


def _end(hub: Hub, tx: Tx, stored: StoredRequest, reason: RequestReason, event: FeedbackEvent) -> None:
    moment, number = _next(stored), len(requests.steps(tx, [stored.id])[stored.id])
    requests.add_step(tx, StoredStep(stored.id, number, requests.ENDED, moment, "hub", reason=reason))
    _store(hub, tx, stored._replace(state=requests.ENDED, reminded=True), event)


def _remind(hub: Hub, tx: Tx, id_: str, at: int) -> None:
    """Remind the parties of a request that its deadline has passed."""
    stored = requests.lock(tx, id_)
    if stored is None or stored.reminded or stored.state not in UNANSWERED or stored.deadline > at:
        return
    _store(hub, tx, stored._replace(reminded=True), FeedbackEvent.REQUESTED)


def _store(hub: Hub, tx: Tx, changed: StoredRequest, event: FeedbackEvent | None = None) -> None:
    requests.change(tx, changed._replace(changed=_next(changed)))
    notes = RequestNotes()
    notes.add(changed.id, event)
    notes.publish(open_context(hub, tx))


def _next(stored: StoredRequest) -> int:
    return max(now() // _MILLISECOND * _MILLISECOND, stored.changed + _MILLISECOND)
