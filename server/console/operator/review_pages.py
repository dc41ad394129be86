"""The pages of reviews: the queue, the disputes in it, one review, and a question to who reported it."""

from typing import Any
from urllib.parse import quote, urlencode

from flask import Response

from schemas import kinds
from schemas.errors import Rejected
from server.console.operator.places import after_of
from server.console.operator.review_decisions import NO_REVIEW
from server.console.operator.review_texts import caution_text, rule_text
from server.console.visit import PageRefused, Visit
from server.console.words import mark
from server.release import review as reviewing
from server.release.asking import ask as ask_reporters
from server.release.by_two_persons.of_reviews import actions_of
from server.release.fuse.statements import COERCED, CONTRADICTED, DISPUTED, DOUBTED, WITHHELD, reported_by
from server.release.query.cautions import backgrounds
from server.release.query.lookup import lookup
from server.release.query.review_queue import QueueFilter, QueuePlace, queue_page
from server.release.query.similar import similar
from server.release.review import ReviewSummary
from server.store import partners, reviews, value_index
from server.store.database.engine import Tx
from server.store.database.times import now
from server.store.inbox import is_key, object_id
from server.store.reviews import Review, ReviewState, UnknownReview

_PAGE = 50
_HOUR = 3_600 * 1_000_000
_STATES: dict[str, ReviewState] = {"open": "open", "approved": "approved", "rejected": "rejected"}
_AGES = {"4": 4, "24": 24, "72": 72, "168": 168}
DISPUTES = (DISPUTED, DOUBTED, CONTRADICTED, COERCED, WITHHELD)
_NOT_ASKED = mark("Nobody was asked. A question has up to 1,000 characters, and no personal data in it.")
_NOBODY = mark("Nobody who could be asked reports this value any more.")


def show_queue(visit: Visit) -> Response:
    """Show a page of the queue, the oldest first; a page costs the same wherever it is."""
    names = ("state", "rule", "partner", "kind", "country", "age")
    given = {name: visit.request.args.get(name, "").strip()[:200] for name in names}
    given["state"] = given["state"] if given["state"] in _STATES else "open"
    hours = _AGES.get(given["age"])
    wanted = QueueFilter(
        _STATES[given["state"]],
        given["rule"],
        given["partner"],
        given["kind"],
        given["country"].upper(),
        None if hours is None else now() - hours * _HOUR,
    )
    hub = visit.site.hub
    with hub.store.read() as tx:
        found = queue_page(hub, tx, wanted, after_of(visit), _PAGE)
        values = _queue(visit, tx, found.rows)
        rules = reviews.count_by_rule(tx)
    return visit.page(
        "operator/reviews.html",
        **values,
        given=given,
        rules=rules,
        kinds=sorted(kinds.every()),
        ages=list(_AGES.items()),
        following=_following("/console/reviews", given, found.place),
        state=given["state"],
    )


def show_disputes(visit: Visit) -> Response:
    """Show what partners doubt, and what else is asked about listings, the oldest first."""
    hub, after = visit.site.hub, after_of(visit)
    with hub.store.read() as tx:
        found: list[Review] = []
        for rule in DISPUTES:
            found += reviews.all_reviews(tx, "open", None, rule, _PAGE + 1, after)
        found.sort(key=lambda review: (review.opened, review.object_id))
        values = _queue(visit, tx, reviewing.summaries(hub, tx, found[:_PAGE]))
    place = (found[_PAGE - 1].opened, found[_PAGE - 1].object_id) if len(found) > _PAGE else None
    return visit.page(
        "operator/disputes.html", **values, following=_following("/console/disputes", {}, place), state="open"
    )


def show_review(visit: Visit, id: str) -> Response:
    """Show one review: what, why, by which rule, who in kind, what speaks against it, and what is like it."""
    hub = visit.site.hub
    with hub.store.read() as tx:
        summary = _find(visit, tx, id)
        review = summary.review
        is_open = review.state == "open"
        background = backgrounds(hub, tx, [summary])[review.object_id]
        values: dict[str, Any] = {
            "found": summary,
            "why": rule_text(visit.language, review.rule),
            "cautions": [caution_text(visit.language, caution) for caution in background.cautions],
            "background": background,
            "kind_of": _kinds_of_partners(tx),
            "alike": similar(hub, tx, summary) if is_open else None,
            "listed": _listed(tx, summary),
            "approve_two": bool(actions_of(hub, tx, [review], "approved")),
            "reject_two": bool(actions_of(hub, tx, [review], "rejected")),
        }
    return visit.page("operator/review.html", **values, key=object_id, asked=visit.request.args.get("asked") == "yes")


def ask(visit: Visit, id: str) -> Response:
    """Ask who reported the value, in the operator's name; who is asked does not learn who else reports it."""
    hub, text = visit.site.hub, visit.field("question", 2_000)
    with hub.store.begin() as tx:
        summary = _find(visit, tx, id)
        review = summary.review
        subject = value_index.subject_of(summary.kind, summary.value) if summary.value is not None else review.subject
        held = [reported_by(review.object_id)] if review.subject is None and is_key(review.object_id) else []
        try:
            about = object_id(review.object_id)
            asked = ask_reporters(hub, tx, text, about, visit.known_user.name, [subject] if subject else [], held)
        except Rejected:
            raise PageRefused(422, _NOT_ASKED) from None
    if not asked:
        raise PageRefused(409, _NOBODY)
    return visit.go(f"/console/review/{quote(review.object_id, safe='')}?asked=yes")


def _find(visit: Visit, tx: Tx, id: str) -> ReviewSummary:
    """Return a review. Raises ``PageRefused``."""
    try:
        found = reviewing.find(tx, id)
    except UnknownReview:
        raise PageRefused(404, NO_REVIEW) from None
    return reviewing.summaries(visit.site.hub, tx, [found])[0]


def _queue(visit: Visit, tx: Tx, rows: list[ReviewSummary]) -> dict[str, Any]:
    """Return what a list of reviews shows."""
    hub = visit.site.hub
    known = backgrounds(hub, tx, rows)
    return {
        "rows": rows,
        "two": actions_of(hub, tx, [row.review for row in rows], "approved"),
        "cautions": {
            id_: [caution_text(visit.language, caution) for caution in background.cautions if caution.is_of_value]
            for id_, background in known.items()
        },
        "known": known,
        "kind_of": _kinds_of_partners(tx),
        "now": now(),
        "key": object_id,
    }


def _kinds_of_partners(tx: Tx) -> dict[str, str]:
    return {name: str(partner.kind) for name, partner in partners.load_registry(tx).partners.items()}


def _listed(tx: Tx, summary: ReviewSummary) -> int:
    """Return how many listings the value has now."""
    if summary.value is None:
        return 0
    return sum(
        not listing.get("revoked")
        for reading in lookup(tx, summary.value)
        if reading.kind == summary.kind
        for listing in reading.listings
    )


def _following(path: str, given: dict[str, str], place: QueuePlace | None) -> str:
    """Return the address of the next page, "" where there is none."""
    return "" if place is None else f"{path}?" + urlencode({**given, "after": f"{place[0]}.{place[1]}"})
