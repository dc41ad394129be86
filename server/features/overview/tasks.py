"""Today's tasks of operators: each desk with its open and overdue items, the most urgent first."""

from datetime import timedelta

from server.features.objections import records as objections
from server.features.requests import records as requests
from server.features.reviews.operator_pages import DISPUTES
from server.release.query import receipts
from server.store import feed_state, held_ends, quotas, retractions, reviews
from server.store.database.engine import Tx
from server.store.liveness import silences
from server.store.proposals import proposals
from server.store.providers import kept_accounts
from server.store.questions import questions
from server.store.referrals import referrals
from server.web.shell.tasks import Task
from server.web.shell.words import mark

_MONTH = 30 * 86_400 * 1_000_000
_MOST_PROPOSALS = 100


def tasks(tx: Tx, moment: int, retraction_target: timedelta, answer_target: timedelta) -> list[Task]:
    """Return all desks, the most urgent first, also those without work."""
    return sorted((*_decisions(tx), *_others(tx, moment, retraction_target, answer_target)), key=lambda t: t.urgency)


def _decisions(tx: Tx) -> list[Task]:
    """Return the desks where operators decide."""
    objected = objections.totals(tx)
    by_rule = reviews.count_by_rule(tx)
    disputed, ended = sum(by_rule.pop(rule, 0) for rule in DISPUTES), by_rule.pop(held_ends.RULE, 0)
    proposed = proposals.all_proposals(tx, limit=_MOST_PROPOSALS)
    referred = referrals.open_referrals(tx)
    return [
        Task("/console/objections", mark("Objections"), objected.open, objected.late, objected.due, objected.oldest),
        Task("/console/disputes", mark("Disputes"), disputed),
        Task("/console/reviews", mark("Reviews"), sum(by_rule.values()), oldest=reviews.oldest(tx)),
        Task("/console/reviews?rule=many-ends", mark("Ends that wait for a second person"), ended),
        Task(
            "/console/proposals",
            mark("Approvals"),
            len(proposed),
            due=min((proposal.expires for proposal in proposed), default=None),
            oldest=min((proposal.proposed for proposal in proposed), default=None),
        ),
        Task("/console/referrals", mark("Referrals"), referred.number, oldest=referred.oldest),
    ]


def _others(tx: Tx, moment: int, retraction_target: timedelta, answer_target: timedelta) -> list[Task]:
    """Return what waits for others, where operators follow up."""
    asked = requests.current(tx, moment)
    waiting = ((opened, closed) for opened, closed in retractions.spans(tx, moment - _MONTH) if closed is None)
    removed = receipts.totals_of(waiting, moment, retraction_target)
    target = answer_target // timedelta(microseconds=1)
    kept = kept_accounts.counts(tx, target, moment, moment - _MONTH)
    slowed, quiet = quotas.current_throttles(tx), silences.current(tx)
    failed = [run for run in feed_state.last_runs(tx).values() if run.error]
    return [
        Task(
            "/console/requests",
            mark("Requests without an answer"),
            asked.open,
            asked.overdue,
            asked.due,
            asked.oldest,
        ),
        Task("/console/requests?show=unaddressed", mark("Requests without an addressee"), asked.unaddressed),
        Task(
            "/console/receipts",
            mark("Requests to restore without an answer"),
            asked.restores,
            oldest=asked.oldest_restore,
        ),
        Task("/console/questions", mark("Questions without an answer"), questions.unanswered(tx, moment - _MONTH)),
        Task(
            "/console/receipts",
            mark("Removals not yet confirmed"),
            removed.open,
            removed.late,
            oldest=None if removed.oldest is None else moment - int(removed.oldest * 1_000_000),
        ),
        Task(
            "/console/#banks",
            mark("Banks with unanswered reports"),
            sum(counted.open for counted in kept),
            sum(counted.late for counted in kept),
            oldest=min((counted.oldest for counted in kept if counted.oldest), default=None),
        ),
        Task("/console/feeds", mark("Feeds with an error"), len(failed), len(failed)),
        Task(
            "/console/#throttled",
            mark("Throttled partners"),
            len(slowed),
            oldest=min((throttle.since for throttle in slowed), default=None),
        ),
        Task(
            "/console/#quiet",
            mark("Quiet for longer than usual"),
            len(quiet),
            oldest=min((silence.since for silence in quiet), default=None),
        ),
    ]
