"""What is due for a party: an operator's desk, or a partner. Only numbers, moments and ids of requests leave here."""

from collections.abc import Iterator
from datetime import timedelta
from typing import NamedTuple

from server.features.objections import records as objections
from server.features.requests import records as requests
from server.features.requests.records import StoredRequest
from server.settings import Settings
from server.store import held_ends, listings, reviews
from server.store.database.engine import Tx
from server.store.proposals import proposals
from server.store.providers import kept_accounts

# The most of each reminder that are read for a party; the mail then says "or more". Requests are read with the last
# due one first: however many wait, one that becomes due is news.
MOST = 200
# Items of transactions that have not committed are left to the next look, or they would count as told.
SETTLING = 10_000_000
_WEEK = 7 * 86_400_000_000
# A short deadline is near in its last quarter.
_QUARTER = 4


class DueItem(NamedTuple):
    """One thing that is due: the reminder, the moment from which it is, and the deadline; 0: it has none.

    ``path`` is its own page, "" if the reminder's is enough. The person ``by`` whom it was proposed gets no reminder.
    ``of`` is the id of the request, listing, objection, review or proposal.
    """

    reminder: str
    since: int
    due: int = 0
    path: str = ""
    by: str = ""
    of: str = ""


class DueTimes(NamedTuple):
    """How early and how late reminders are sent, in microseconds."""

    before: int
    reviews: int
    finding: int
    to_admins: int
    to_operators: int

    @classmethod
    def of(cls, settings: Settings) -> "DueTimes":
        """Return the times of the settings."""
        given = (settings.remind_before, settings.remind_reviews, settings.answer_target)
        late = (settings.remind_admins, settings.remind_operators)
        return cls(*(value // timedelta(microseconds=1) for value in (*given, *late)))


def of_party(tx: Tx, partner: str | None, times: DueTimes, at: int) -> list[DueItem]:
    """Return what is due for a partner, or without one for the operators, at a moment (microseconds)."""
    return of_operators(tx, times, at) if partner is None else of_partner(tx, partner, times, at)


def of_partner(tx: Tx, partner: str, times: DueTimes, at: int) -> list[DueItem]:
    """Return what is due for a partner at a moment (microseconds)."""
    ends = [
        DueItem("own-end", end.review.opened, of=end.review.object_id)
        for end in held_ends.waiting(tx, [partner], limit=MOST)
    ]
    return [*_requests_of(tx, partner, times, at), *_findings_of(tx, partner, times, at), *ends]


def of_operators(tx: Tx, times: DueTimes, at: int) -> list[DueItem]:
    """Return what is due for the operators at a moment (microseconds)."""
    found = [*_unanswered(tx, times, at), *_objections(tx, times, at)]
    for review in reviews.all_reviews(tx, "open", limit=MOST):
        if held_ends.is_end(review.object_id):
            found.append(DueItem("end-waiting", review.opened, of=review.object_id))
        elif review.opened + times.reviews <= at:
            found.append(DueItem("review-waiting", review.opened + times.reviews, of=review.object_id))
    found += [
        DueItem("proposal", proposal.proposed, proposal.expires, by=proposal.proposed_by, of=proposal.id)
        for proposal in proposals.all_proposals(tx, limit=MOST)
    ]
    return found


def near(opened: int, deadline: int, before: int) -> int:
    """Return the moment from which a deadline is near: so long before it, or in the last quarter of a short time."""
    return deadline - min(before, max(0, deadline - opened) // _QUARTER)


def _requests_of(tx: Tx, partner: str, times: DueTimes, at: int) -> Iterator[DueItem]:
    for stored in requests.nearly_due(tx, partner, at, times.before, MOST):
        soon = near(stored.served_at or stored.opened, stored.deadline, times.before)
        yield DueItem("request-near", soon, stored.deadline, _page_of(stored), of=stored.id)
    # Each is read by itself, so that many of one reminder hide none of another.
    for name, late in (("request-overdue", 0), ("request-escalated", times.to_admins)):
        for stored in requests.unanswered(tx, until=at - late, addressee=partner, most=MOST):
            yield DueItem(name, stored.deadline + late, stored.deadline, _page_of(stored), of=stored.id)
    for stored, _ in requests.of_partner(tx, partner, states=(requests.UNCONFIRMED,), role="sender", most=MOST):
        yield DueItem("hop-unconfirmed", stored.opened, stored.deadline, _page_of(stored), of=stored.id)


def _page_of(request: StoredRequest) -> str:
    return f"/partner/requests/{request.id}"


def _findings_of(tx: Tx, partner: str, times: DueTimes, at: int) -> Iterator[DueItem]:
    found: dict[str, DueItem] = {}
    for kept in kept_accounts.find(tx, partner, limit=MOST):
        due = kept.since + times.finding
        soon = near(kept.since, due, times.before)
        if due <= at:
            found[kept.subject] = DueItem("finding-overdue", due, due)
        elif soon <= at:
            found[kept.subject] = DueItem("finding-near", soon, due)
    track = listings.track_of_provider(partner)
    known = listings.find(tx, found)
    for subject, item in found.items():
        of_it = known.get(subject, {}).get(track, [])
        yield item._replace(of=of_it[-1] if of_it else "")


def _unanswered(tx: Tx, times: DueTimes, at: int) -> Iterator[DueItem]:
    for stored in requests.unanswered(tx, until=at - times.to_operators, most=MOST):
        path = f"/console/requests/{stored.id}"
        yield DueItem("request-unanswered", stored.deadline + times.to_operators, stored.deadline, path, of=stored.id)


def _objections(tx: Tx, times: DueTimes, at: int) -> Iterator[DueItem]:
    # An answer is due in days, so its reminder comes days before.
    before = max(times.before, _WEEK // 2)
    for found in objections.by_due(tx, most=MOST):
        soon, path = near(found.received, found.due, before), f"/console/objections/{found.id}"
        if found.due <= at:
            yield DueItem("objection-overdue", found.due, found.due, path, of=found.id)
        elif soon <= at:
            yield DueItem("objection-near", soon, found.due, path, of=found.id)
