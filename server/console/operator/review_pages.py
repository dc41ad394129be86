"""The pages of reviews: the queue, one review, what a decision would change, and the decision."""

import hashlib
from collections.abc import Sequence
from urllib.parse import urlencode

import orjson
from flask import Response

from schemas.errors import Rejected
from server.console.operator.trail import note
from server.console.visit import PageRefused, Visit
from server.console.words import mark
from server.release import review as reviewing
from server.release.by_two_persons.authority_reviews import APPROVE, with_authority
from server.release.by_two_persons.contradictions import DECIDE
from server.release.consequences import consequences
from server.release.fuse.statements import CONTRADICTED
from server.release.two_persons import NotAllowed, propose
from server.store import reviews
from server.store.database.engine import Tx
from server.store.inbox import object_id
from server.store.reviews import Review, ReviewState, UnknownReview

_PAGE = 50
_MOST_AT_ONCE = 100
_STATES: dict[str, ReviewState] = {"approve": "approved", "reject": "rejected"}
_NO_REVIEW = mark("There is no such review.")
_NONE_CHOSEN = mark("Choose at least one review, and at most a hundred.")
_NO_DECISION = mark("Choose whether to approve or to reject.")
_DECIDED = mark("One of these reviews was decided meanwhile. Open the list again.")


def show_queue(visit: Visit) -> Response:
    """Show a page of the queue, the oldest first; a page costs the same wherever it is."""
    state, rule, partner = (visit.request.args.get(name, "")[:200] for name in ("state", "rule", "partner"))
    wanted: ReviewState | None = state if state in ("open", "approved", "rejected") else "open"  # type: ignore[assignment]
    with visit.site.hub.store.read() as tx:
        found = reviews.all_reviews(tx, wanted, partner or None, rule or None, _PAGE + 1, _after(visit))
        rows = reviewing.summaries(visit.site.hub, tx, found[:_PAGE])
        two = with_authority(tx, found[:_PAGE]).keys()
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
            raise PageRefused(404, _NO_REVIEW) from None
        [summary] = reviewing.summaries(visit.site.hub, tx, [found])
        takes_two = _takes_two(tx, [found], "approved")
    return visit.page("operator/review.html", found=summary, takes_two=bool(takes_two), key=object_id)


def preview(visit: Visit) -> Response:
    """Show what a decision of the chosen reviews would change, before it is taken."""
    state = _STATES.get(visit.field("decision"))
    if state is None:
        raise PageRefused(422, _NO_DECISION)
    hub, by = visit.site.hub, visit.known_user.name
    with hub.store.read() as tx:
        found = _chosen(visit, tx)
        two = _takes_two(tx, found, state)
    changes = consequences(hub, found, state, by)
    return visit.page(
        "operator/preview.html",
        changes=changes,
        decision=visit.field("decision"),
        two=two,
        basis=_basis(found),
        changed=sum(change.changed for change in changes),
        key=object_id,
    )


def decide(visit: Visit) -> Response:
    """Take the decision that was previewed; what takes two persons is proposed to somebody else."""
    state = _STATES.get(visit.field("decision"))
    if state is None:
        raise PageRefused(422, _NO_DECISION)
    user, hub, words = visit.known_user, visit.site.hub, visit.field("note", 500) or None
    try:
        with hub.store.begin() as tx:
            found = _chosen(visit, tx)
            if visit.field("basis") != _basis(found):
                raise PageRefused(409, _DECIDED)
            two = _takes_two(tx, found, state)
            alone = [review.object_id for review in found if review.object_id not in two]
            done = reviewing.decide(hub, tx, alone, state, user.name, words) if alone else []
            proposed = [
                propose(hub, tx, DECIDE, {"id": review.object_id, "state": state}, user.name, words)
                for review in found
                if review.rule == CONTRADICTED
            ]
            ids = [review.object_id for review in found if review.object_id in two and review.rule != CONTRADICTED]
            if ids:
                proposed.append(propose(hub, tx, APPROVE, {"ids": ids}, user.name, words))
            note(tx, "DECIDE", "reviews", user, None, objects=len(found))
    except (UnknownReview, NotAllowed, Rejected):
        raise PageRefused(409, _DECIDED) from None
    return visit.page("operator/decided.html", done=len(done), decision=visit.field("decision"), proposed=proposed)


def _chosen(visit: Visit, tx: Tx) -> list[Review]:
    """Return the open reviews whose boxes were ticked. Raises ``PageRefused``."""
    ids = list(dict.fromkeys(visit.request.form.getlist("id")))
    if not 0 < len(ids) <= _MOST_AT_ONCE:
        raise PageRefused(422, _NONE_CHOSEN)
    try:
        found = [reviewing.find(tx, id_) for id_ in ids]
    except UnknownReview:
        raise PageRefused(404, _NO_REVIEW) from None
    if any(review.state != "open" for review in found):
        raise PageRefused(409, _DECIDED)
    return found


def _takes_two(tx: Tx, found: Sequence[Review], state: ReviewState) -> set[str]:
    """Return the ids of the reviews that two persons decide so."""
    contradicted = {review.object_id for review in found if review.rule == CONTRADICTED and review.state == "open"}
    return contradicted | (with_authority(tx, found).keys() if state == "approved" else set())


def _basis(found: Sequence[Review]) -> str:
    """Return what the reviews are now: who decides decides about that."""
    rows = [[review.object_id, review.version, review.opened, review.rule] for review in found]
    return hashlib.sha256(orjson.dumps(rows)).hexdigest()


def _after(visit: Visit) -> tuple[int, str] | None:
    """Return where the page before ended."""
    opened, dot, id_ = visit.request.args.get("after", "")[:500].partition(".")
    return (int(opened), id_) if dot and opened.isdecimal() and len(opened) < 18 else None
