"""A partner's work of today, and the results of its recent reports."""

from collections import Counter
from datetime import timedelta
from typing import NamedTuple

from schemas.partner import Partner
from schemas.records import FeedbackEvent
from server.features.partners import notices
from server.features.reports import feedback
from server.features.requests import records as requests
from server.features.requests.records import UNANSWERED, UNCONFIRMED
from server.features.requests.states import Role
from server.release.ends import colleagues
from server.settings import Settings
from server.store import held_ends, partners, retractions
from server.store.database.engine import Tx
from server.store.database.times import now
from server.store.providers import kept_accounts
from server.store.questions import questions
from server.web.shell.tasks import Task
from server.web.shell.words import mark

_MICROSECOND = timedelta(microseconds=1)
_MONTH = 30 * 86_400 * 1_000_000
# Items of a task that are counted.
_MOST = 100
# Events that are counted.
_MOST_EVENTS = 1_000
# The events that say something about a report, in the order of the page.
_COUNTED = (
    *(FeedbackEvent.RELEASED, FeedbackEvent.CORROBORATED, FeedbackEvent.SIGHTED, FeedbackEvent.ACTED_ON),
    *(FeedbackEvent.DISPUTED, FeedbackEvent.RETRACTED, FeedbackEvent.REFUSED),
)


class EventCounts(NamedTuple):
    """The numbers of events of the last month, by event; ``is_all``: none is left out."""

    numbers: dict[FeedbackEvent, int]
    is_all: bool


def tasks(tx: Tx, partner: Partner, settings: Settings) -> list[Task]:
    """Return what waits for the partner, the most urgent first."""
    found = [*_answers(tx, partner, settings), *_confirmations(tx, partner, settings)]
    return sorted((task for task in found if task.number), key=lambda task: task.urgency)


def _answers(tx: Tx, partner: Partner, settings: Settings) -> list[Task]:
    at, target = now(), settings.answer_target // _MICROSECOND
    asked = requests.of_partner(tx, partner.name, states=UNANSWERED, role=Role.ADDRESSEE, most=_MOST)
    deadlines = sorted(request.deadline for request, _ in asked)
    oldest = [kept for kept, _ in kept_accounts.page(tx, partner.name, limit=1)]
    return [
        Task(
            "/partner/accounts",
            mark("Accounts that wait for our answer"),
            *kept_accounts.count_waiting(tx, partner.name, at - target),
            due=oldest[0].since + target if oldest else None,
        ),
        Task(
            "/partner/requests",
            mark("Requests that wait for us"),
            len(asked),
            sum(deadline < at for deadline in deadlines),
            due=next((deadline for deadline in deadlines if deadline >= at), None),
            more=len(asked) == _MOST,
        ),
        Task(
            "/partner/questions",
            mark("Questions about our reports"),
            *questions.count_open(tx, partner.name, at, _MOST),
        ),
    ]


def _confirmations(tx: Tx, partner: Partner, settings: Settings) -> list[Task]:
    at, target = now(), settings.retraction_target // _MICROSECOND
    hops = len(requests.of_partner(tx, partner.name, states=(UNCONFIRMED,), role=Role.SENDER, most=_MOST))
    removed = retractions.open_of(tx, partner.name, limit=_MOST)
    due = sorted(receipt.opened + target for receipt, _ in removed)
    return [
        Task(
            "/partner/receipts",
            mark("Removals that we have not confirmed"),
            len(removed),
            sum(moment < at for moment in due),
            due=next((moment for moment in due if moment >= at), None),
            more=len(removed) == _MOST,
        ),
        Task(
            "/partner/requests?list=unconfirmed",
            mark("Named accounts to confirm or decline"),
            hops,
            more=hops == _MOST,
        ),
        Task(
            "/partner/ends",
            mark("Ends that wait for a second person"),
            held_ends.count(tx, colleagues(partners.load_registry(tx), partner)),
        ),
        Task(
            "/partner/access",
            mark("Changes of our access in 30 days"),
            notices.count_since(tx, partner.name, at - _MONTH),
        ),
    ]


def counts(tx: Tx, partner: str) -> EventCounts:
    """Return the numbers of events of the last month; a bounded number of events is counted."""
    found = feedback.events_since(tx, partner, now() - _MONTH, _MOST_EVENTS)
    numbers = Counter(row["event"] for row in found)
    return EventCounts({event: numbers[event] for event in _COUNTED if numbers[event]}, len(found) < _MOST_EVENTS)
