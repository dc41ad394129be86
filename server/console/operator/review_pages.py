"""The pages of reviews: the queue, and one review."""

from urllib.parse import urlencode

from flask import Response

from server.console.operator.review_decisions import NO_REVIEW
from server.console.visit import PageRefused, Visit
from server.release import review as reviewing
from server.release.by_two_persons.of_reviews import actions_of
from server.store import reviews
from server.store.inbox import object_id
from server.store.reviews import ReviewState, UnknownReview

_PAGE = 50


def show_queue(visit: Visit) -> Response:
    """Show a page of the queue, the oldest first; a page costs the same wherever it is."""
    state, rule, partner = (visit.request.args.get(name, "")[:200] for name in ("state", "rule", "partner"))
    wanted: ReviewState | None = state if state in ("open", "approved", "rejected") else "open"  # type: ignore[assignment]
    with visit.site.hub.store.read() as tx:
        found = reviews.all_reviews(tx, wanted, partner or None, rule or None, _PAGE + 1, _after(visit))
        rows = reviewing.summaries(visit.site.hub, tx, found[:_PAGE])
        two = actions_of(visit.site.hub, tx, found[:_PAGE], "approved")
    following = ""
    if len(found) > _PAGE:
        last = found[_PAGE - 1]
        fields = {"state": wanted, "rule": rule, "partner": partner, "after": f"{last.opened}.{last.object_id}"}
        following = "/console/reviews?" + urlencode(fields)
    return visit.page(
        "operator/reviews.html",
        rows=rows,
        two=two,
        following=following,
        state=wanted,
        rule=rule,
        partner=partner,
        key=object_id,
    )


def show_review(visit: Visit, id: str) -> Response:
    """Show one review: what, why, by which rule, who in kind."""
    with visit.site.hub.store.read() as tx:
        try:
            found = reviewing.find(tx, id)
        except UnknownReview:
            raise PageRefused(404, NO_REVIEW) from None
        [summary] = reviewing.summaries(visit.site.hub, tx, [found])
        takes_two = actions_of(visit.site.hub, tx, [found], "approved")
    return visit.page("operator/review.html", found=summary, takes_two=bool(takes_two), key=object_id)


def _after(visit: Visit) -> tuple[int, str] | None:
    """Return where the page before ended."""
    opened, dot, id_ = visit.request.args.get("after", "")[:500].partition(".")
    return (int(opened), id_) if dot and opened.isdecimal() and len(opened) < 18 else None
