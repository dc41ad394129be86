"""Takedown requests about values that are gone: they wait for no response, and are asked again if the values return."""

from collections.abc import Iterable, Sequence

from schemas.records import FeedbackEvent
from schemas.request import RequestState, RequestWord
from schemas.takedown import TakedownResponse
from server.features.requests import places, records as requests, views
from server.features.requests.ageing import next_moment, store_changed
from server.features.requests.demands import is_order, rule_on, was_held
from server.features.requests.limits import MOST_REOPENED
from server.features.requests.records import UNANSWERED, StoredRequest, StoredStep
from server.features.requests.states import Role
from server.release.context import open_context
from server.release.gate.leaving import Ruling
from server.release.hub import Hub
from server.store.database.engine import Tx

_GONE = str(TakedownResponse.ALREADY_GONE)


def record_gone(hub: Hub, tx: Tx, subject: str) -> list[str]:
    """Record for the hub that a value is gone in each takedown request about it without a response; return their ids.

    A request to restore the value stays as it is.
    """
    changed = []
    for id_ in requests.of_subject(tx, subject):
        stored = requests.lock(tx, id_)
        if stored is None or stored.asks in (None, RequestWord.RESTORE) or stored.state not in UNANSWERED:
            continue
        moment, number, done = next_moment(stored), len(requests.steps(tx, [id_])[id_]), str(RequestState.DONE)
        requests.add_step(tx, StoredStep(id_, number, done, moment, views.HUB, response=_GONE))
        gone = stored._replace(state=done, response=_GONE, responded_at=moment)
        store_changed(hub, tx, gone, FeedbackEvent.ANSWERED)
        changed.append(id_)
    return changed


def record_back(hub: Hub, tx: Tx, subject: str) -> list[str]:
    """Ask again in each takedown request about a value that exists again, where the last response was that it is gone.

    That is a response of the hub or of the addressee. Return the requests' ids.
    """
    return _ask_again(hub, tx, requests.of_subject(tx, subject))


def refute_gone(hub: Hub, tx: Tx, subjects: Iterable[str], until: int) -> list[str]:
    """Ask again in the requests that ``refuted`` returns, and return their ids."""
    return _ask_again(hub, tx, refuted(tx, subjects, until))


def is_recorded_gone(tx: Tx, subjects: Iterable[str]) -> bool:
    """Return whether the hub recorded in an open takedown request about one of these values that it is gone."""
    return any(steps[-1].by == views.HUB for _, steps in _closed_as_gone(tx, subjects))


def refuted(tx: Tx, subjects: Iterable[str], until: int) -> list[str]:
    """Return the requests to suspend domains whose addressee said ``until`` a moment (microseconds) that they are gone.

    If the name of such a domain exists later, it is not suspended. A page can be gone although the name of its host
    exists, so other requests stay as they are.
    """
    domains = [subject for subject in subjects if subject.startswith("domain:")]
    return [
        stored.id
        for stored, steps in _closed_as_gone(tx, domains)
        if stored.asks == RequestWord.SUSPEND and steps[-1].by == Role.ADDRESSEE and steps[-1].at <= until
    ]


def _ask_again(hub: Hub, tx: Tx, ids: Iterable[str]) -> list[str]:
    changed = []
    for id_ in ids:
        stored = requests.lock(tx, id_)
        steps = [] if stored is None else requests.steps(tx, [id_])[id_]
        if stored is None or not _is_closed_as_gone(stored, steps) or not _may_be_asked(hub, tx, stored, steps):
            continue
        moment, again = next_moment(stored), str(RequestState.OPEN)
        requests.add_step(tx, StoredStep(id_, len(steps), again, moment, views.HUB))
        store_changed(hub, tx, places.reopened(stored, moment), FeedbackEvent.REQUESTED)
        changed.append(id_)
    return changed


def _may_be_asked(hub: Hub, tx: Tx, stored: StoredRequest, steps: Sequence[StoredStep]) -> bool:
    """Return whether a request may reach its addressee again: an order, one that operators released, or by the gate."""
    request = views.request_of(stored)
    if is_order(request) or was_held(steps):
        return True
    context = open_context(hub, tx)
    sender = context.registry.partners.get(stored.sender)
    return rule_on(context, hub.allowlists, request, sender).ruling is Ruling.LEAVES


def _closed_as_gone(tx: Tx, subjects: Iterable[str]) -> list[tuple[StoredRequest, list[StoredStep]]]:
    found = requests.find(tx, requests.done_as(tx, subjects, _GONE))
    steps = requests.steps(tx, found)
    return [(stored, steps[id_]) for id_, stored in sorted(found.items()) if _is_closed_as_gone(stored, steps[id_])]


def _is_closed_as_gone(stored: StoredRequest, steps: Sequence[StoredStep]) -> bool:
    if (stored.state, stored.response) != (RequestState.DONE, _GONE) or stored.asks == RequestWord.RESTORE:
        return False
    return sum(_is_reopening(step) for step in steps) < MOST_REOPENED


def _is_reopening(step: StoredStep) -> bool:
    return step.number > 0 and step.by == views.HUB and step.state == RequestState.OPEN
