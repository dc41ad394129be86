"""The pages of reviews: the queue, the disputes in it, one review, a question to its reporters, and the decision."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

from flask import Response

from schemas import kinds
from schemas.errors import Rejected
from server.features.questions.operations import AskReporters
from server.features.reviews.bursts import of_same_burst
from server.features.reviews.cautions import Caution, backgrounds
from server.features.reviews.consequences import Consequence, consequences
from server.features.reviews.decisions import ReviewDecision, basis_of
from server.features.reviews.of_reviews import actions_of
from server.features.reviews.operations import ApproveReviews, RejectReviews
from server.features.reviews.queue import QueueFilter, queue_page
from server.features.reviews.similar import similar
from server.operations.dual_control import NotAllowed
from server.operations.rights import ANALYSTS, VIEWERS
from server.release import review as reviewing
from server.release.fuse.statements import (
    COERCED,
    CONTRADICTED,
    DISPUTED,
    DOUBTED,
    PEER_FOUND_WRONG,
    WITHHELD,
    reported_by,
)
from server.release.hub import Hub
from server.release.query.lookup import lookup
from server.release.review import ReviewSummary
from server.store import partners, reviews, value_index
from server.store.database.engine import Tx
from server.store.database.times import now
from server.store.inbox import is_key, object_id
from server.store.proposals.proposals import Effect
from server.store.reviews import Review, ReviewState, UnknownReview
from server.web.shell.forms import submit
from server.web.shell.hub_texts import LIST_TEXTS, list_text, rule_text
from server.web.shell.languages import Language
from server.web.shell.lists import PAGE, asked, link, moment_and_id, page_of, text_of_place
from server.web.shell.routes import FORM, WORK, Route, Tab, may_run
from server.web.shell.saved_filters import FILTERS, saved_filters
from server.web.shell.visit import PageRefused, Visit
from server.web.shell.words import Translatable, label, mark

# A page of the queue fits on five screens of a telephone.
_ROWS = 25
_HOUR = 3_600 * 1_000_000
_SHOWN_STATES: dict[str, ReviewState] = {"open": "open", "approved": "approved", "rejected": "rejected"}
_AGES = {"4": 4, "24": 24, "72": 72, "168": 168}
DISPUTES = (DISPUTED, DOUBTED, PEER_FOUND_WRONG, CONTRADICTED, COERCED, WITHHELD)
_NOT_ASKED = mark("No question was sent. A question has up to 1,000 characters, and no personal data in it.")
_NOBODY = mark("No partner that could be asked still reports this value.")
_MOST_AT_ONCE = 100
_STATES: dict[str, ReviewState] = {"approve": "approved", "reject": "rejected"}
_DECISIONS: Mapping[ReviewState, type[ReviewDecision]] = MappingProxyType(
    {"approved": ApproveReviews, "rejected": RejectReviews}
)
NO_REVIEW = mark("There is no such review.")
_NONE_CHOSEN = mark("Choose at least one review, and at most a hundred.")
_NO_DECISION = mark("Choose whether to approve or to reject.")
_DECIDED = mark("One of these reviews was decided in the meantime. Open the list again.")
CAUTION_TEXTS: Mapping[str, Translatable] = MappingProxyType(
    {
        **LIST_TEXTS,
        "own-value": mark("A partner has registered it as its own"),
        "entered": mark("An operator entered it as harmless"),
        "delisted": mark("This hub found it harmless before"),
        "objected": mark("People object to its listing: %(count)s"),
        "often-wrong": mark("Reports of %(partner)s that proved wrong: %(wrong)s, right: %(right)s"),
        "holder": mark("The holder may be a victim: %(status)s"),
        "provider-clears": mark("%(partner)s, the provider, reported: %(answer)s"),
        "provider-answered": mark("%(partner)s, the provider, reported: %(answer)s"),
        "doubted": mark("%(partner)s doubts it: %(says)s; %(reason)s"),
    }
)
# A number of reports, and names, stand as they are.
_LABELLED = frozenset(("status", "answer", "says", "reason"))


def show_queue(visit: Visit) -> Response:
    """Show a page of the queue, the oldest first; every page takes the same time."""
    names = ("state", "rule", "partner", "kind", "country", "age")
    given = {name: asked(visit, name) for name in names}
    given["state"] = given["state"] if given["state"] in _SHOWN_STATES else "open"
    hours = _AGES.get(given["age"])
    wanted = QueueFilter(
        _SHOWN_STATES[given["state"]],
        given["rule"],
        given["partner"],
        given["kind"],
        given["country"].upper(),
        None if hours is None else now() - hours * _HOUR,
    )
    hub = visit.site.hub
    with hub.store.read() as tx:
        found = queue_page(hub, tx, wanted, moment_and_id(visit), _ROWS)
        values = _queue(visit, tx, found.rows)
        rules = reviews.count_by_rule(tx)
    return visit.page(
        "operator/reviews.html",
        **values,
        given=given,
        rules=rules,
        kinds=sorted(kinds.every()),
        ages=list(_AGES.items()),
        saved=saved_filters(visit.cookie(FILTERS)),
        is_filtered=any(value for name, value in given.items() if (name, value) != ("state", "open")),
        following="" if found.place is None else link("/console/reviews", **given, after=text_of_place(found.place)),
        state=given["state"],
    )


def show_disputes(visit: Visit) -> Response:
    """Show the disputes and the other reviews of listings, the oldest first."""
    hub, after = visit.site.hub, moment_and_id(visit)
    with hub.store.read() as tx:
        found: list[Review] = []
        for rule in DISPUTES:
            found += reviews.all_reviews(tx, "open", None, rule, PAGE + 1, after)
        found.sort(key=lambda review: (review.opened, review.object_id))
        shown, following = page_of(visit, found, PAGE, lambda last: (last.opened, last.object_id))
        values = _queue(visit, tx, reviewing.summaries(hub, tx, shown))
    return visit.page("operator/disputes.html", **values, following=following, state="open")


def show_review(visit: Visit, id: str) -> Response:
    """Show one review: value, reason, rule, kinds of reporters, cautions, and similar reviews."""
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
            "burst": len(of_same_burst(tx, [review])),
            "approve_two": bool(actions_of(hub, tx, [review], "approved")),
            "reject_two": bool(actions_of(hub, tx, [review], "rejected")),
        }
    return visit.page("operator/review.html", **values, key=object_id, asked=asked(visit, "asked") == "yes")


def ask(visit: Visit, id: str) -> Response:
    """Ask the reporters of the value in the operator's name; none of them learns who else reports it."""
    hub, text = visit.site.hub, visit.field("question", 2_000)
    with hub.store.read() as tx:
        summary = _find(visit, tx, id)
    review = summary.review
    subject = value_index.subject_of(summary.kind, summary.value) if summary.value is not None else review.subject
    held = (reported_by(review.object_id),) if review.subject is None and is_key(review.object_id) else ()
    subjects = frozenset((subject,)) if subject else frozenset()
    operation = AskReporters(question=text, about=object_id(review.object_id), subjects=subjects, held=held)
    if not submit(visit, operation, {Rejected: (422, _NOT_ASKED)}):
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
    """Return the values for the template of a list of reviews."""
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
    """Return the number of current listings of the value."""
    if summary.value is None:
        return 0
    return sum(
        not listing.get("revoked")
        for reading in lookup(tx, summary.value)
        if reading.kind == summary.kind
        for listing in reading.listings
    )


def preview(visit: Visit) -> Response:
    """Show the effects of a decision of the chosen reviews, before it is taken."""
    state = _state(visit)
    hub, by, until = visit.site.hub, visit.known_user.name, now()
    with hub.store.read() as tx:
        found, aside = _without_holds(hub, tx, _chosen(visit, tx))
        two = actions_of(hub, tx, found, state)
        known = backgrounds(hub, tx, reviewing.summaries(hub, tx, found)) if state == "approved" else {}
        burst = len({review.object_id for review in of_same_burst(tx, found)} - {review.object_id for review in found})
    cautions = {
        id_: [caution_text(visit.language, caution) for caution in background.cautions if caution.is_of_value]
        for id_, background in known.items()
        if any(caution.is_of_value for caution in background.cautions)
    }
    changes = consequences(hub, found, state, by)
    return visit.page(
        "operator/preview.html",
        # Reviews with cautions are first, and have to be chosen again.
        changes=sorted(changes, key=lambda change: change.summary.review.object_id not in cautions),
        decision=visit.field("decision"),
        two=two,
        cautions=cautions,
        basis={review.object_id: basis_of(review) for review in found},
        changed=sum(change.changed for change in changes),
        key=object_id,
        aside=aside,
        burst=burst,
        until=until,
    )


def decide(visit: Visit) -> Response:
    """Carry out the decision that was previewed, and propose the parts under dual control."""
    state = _state(visit)
    hub, words = visit.site.hub, visit.field("note", 500) or None
    with hub.store.read() as tx:
        chosen = _chosen(visit, tx)
        found, _ = _without_holds(hub, tx, chosen)
        two = actions_of(hub, tx, found, state)
    by_two = [review for review in found if review.object_id in two]
    operation = _DECISIONS[state](
        ids=tuple(review.object_id for review in chosen),
        note=words,
        basis=frozenset(visit.request.form.getlist("basis")),
        until=_shown_at(visit),
        shown=_shown(consequences(hub, by_two, state, visit.known_user.name)) if by_two else {},
    )
    changed = (UnknownReview, NotAllowed, Rejected, reviewing.DualControlRequired)
    done = submit(visit, operation, dict.fromkeys(changed, (409, _DECIDED)))
    return visit.page(
        "operator/decided.html",
        done=len(done.done),
        decision=visit.field("decision"),
        proposed=done.proposed,
        aside=done.set_aside,
        key=object_id,
    )


def _state(visit: Visit) -> ReviewState:
    """Return the decision. Raises ``PageRefused``."""
    state = _STATES.get(visit.field("decision"))
    if state is None:
        raise PageRefused(422, _NO_DECISION)
    return state


def _shown_at(visit: Visit) -> int:
    """Return when the preview was shown (microseconds)."""
    text = visit.field("until", 20)
    return int(text) if text.isascii() and text.isdigit() else 0


def _chosen(visit: Visit, tx: Tx) -> list[Review]:
    """Return the open reviews whose boxes were ticked. Raises ``PageRefused``."""
    ids = list(dict.fromkeys(visit.request.form.getlist("id")))
    if not 0 < len(ids) <= _MOST_AT_ONCE:
        raise PageRefused(422, _NONE_CHOSEN)
    try:
        found = [reviewing.find(tx, id_) for id_ in ids]
    except UnknownReview:
        raise PageRefused(404, NO_REVIEW) from None
    if any(review.state != "open" for review in found):
        raise PageRefused(409, _DECIDED)
    return found


def _without_holds(hub: Hub, tx: Tx, found: list[Review]) -> tuple[list[Review], list[Review]]:
    """Return the reviews that are decided together, and those about values that police hold, which are set aside."""
    aside = reviewing.set_aside(hub, tx, found)
    return [review for review in found if review not in aside], aside


def _shown(changes: Sequence[Consequence]) -> Mapping[str, Effect]:
    """Return the effects that the preview shows of each review, so that the second person reads them too."""
    return {
        change.summary.review.object_id: Effect(
            "grades",
            {
                "value": change.summary.value or object_id(change.summary.review.object_id),
                "before": change.before or "not-listed",
                "after": change.after or "not-listed",
                "listings": change.changed,
            },
        )
        for change in changes
    }


def caution_text(language: Language, caution: Caution) -> str:
    """Return what speaks against a value, as a sentence."""
    values = {name: _shown_value(language, name, value) for name, value in caution.values.items()}
    return language.text(CAUTION_TEXTS[caution.code]) % values


def _shown_value(language: Language, name: str, value: object) -> object:
    if name == "list":
        return list_text(language, str(value))
    return language.text(label(str(value))) if name in _LABELLED else value


ROUTES = (
    Route("/console/reviews", VIEWERS, show_queue, tab=Tab(WORK, 2, mark("Reviews"), also=("/console/review/",))),
    Route("/console/review/<path:id>", VIEWERS, show_review),
    Route("/console/review/<path:id>/ask", may_run(AskReporters), ask, methods=FORM),
    Route("/console/disputes", VIEWERS, show_disputes, tab=Tab(WORK, 3, mark("Disputes"), also=("/console/retract",))),
    Route("/console/reviews/preview", ANALYSTS, preview, methods=FORM),
    Route("/console/reviews/decide", may_run(ApproveReviews, RejectReviews), decide, methods=FORM),
)
