"""The decision of reviews: a preview of what it would change, and then the decision, or its proposal."""

import hashlib
from collections.abc import Mapping, Sequence

import orjson
from flask import Response

from schemas.errors import Rejected
from server.console.operator.review_texts import caution_text
from server.console.operator.trail import note
from server.console.visit import PageRefused, Visit
from server.console.words import mark
from server.release import review as reviewing
from server.release.by_two_persons.of_reviews import actions_of, propose_all
from server.release.consequences import Consequence, consequences
from server.release.query.cautions import backgrounds
from server.release.two_persons import NotAllowed
from server.store.database.engine import Tx
from server.store.inbox import object_id
from server.store.proposals.proposals import Effect
from server.store.reviews import Review, ReviewState, UnknownReview

_MOST_AT_ONCE = 100
_STATES: dict[str, ReviewState] = {"approve": "approved", "reject": "rejected"}
NO_REVIEW = mark("There is no such review.")
_NONE_CHOSEN = mark("Choose at least one review, and at most a hundred.")
_NO_DECISION = mark("Choose whether to approve or to reject.")
_DECIDED = mark("One of these reviews was decided meanwhile. Open the list again.")


def preview(visit: Visit) -> Response:
    """Show what a decision of the chosen reviews would change, before it is taken."""
    state = _state(visit)
    hub, by = visit.site.hub, visit.known_user.name
    with hub.store.read() as tx:
        found = _chosen(visit, tx)
        two = actions_of(hub, tx, found, state)
        known = backgrounds(hub, tx, reviewing.summaries(hub, tx, found)) if state == "approved" else {}
    cautions = {
        id_: [caution_text(visit.language, caution) for caution in background.cautions if caution.is_of_value]
        for id_, background in known.items()
        if any(caution.is_of_value for caution in background.cautions)
    }
    changes = consequences(hub, found, state, by)
    return visit.page(
        "operator/preview.html",
        # What speaks against an approval comes first, and has to be chosen again.
        changes=sorted(changes, key=lambda change: change.summary.review.object_id not in cautions),
        decision=visit.field("decision"),
        two=two,
        cautions=cautions,
        basis={review.object_id: _basis(review) for review in found},
        changed=sum(change.changed for change in changes),
        key=object_id,
    )


def decide(visit: Visit) -> Response:
    """Carry out the decision that was previewed; what takes two persons is proposed to somebody else."""
    state = _state(visit)
    user, hub, words = visit.known_user, visit.site.hub, visit.field("note", 500) or None
    with hub.store.read() as tx:
        found = _chosen(visit, tx)
        two = actions_of(hub, tx, found, state)
    by_two = [review for review in found if review.object_id in two]
    shown = _shown(consequences(hub, by_two, state, user.name)) if by_two else {}
    try:
        with hub.store.begin() as tx:
            found = _chosen(visit, tx)
            if not {_basis(review) for review in found} <= set(visit.request.form.getlist("basis")):
                raise PageRefused(409, _DECIDED)
            two = actions_of(hub, tx, found, state)
            alone = [review.object_id for review in found if review.object_id not in two]
            done = reviewing.decide(hub, tx, alone, state, user.name, words) if alone else []
            proposed = propose_all(hub, tx, two, state, user.name, words, shown)
            note(tx, "DECIDE", "reviews", user, None, objects=len(found))
    except (UnknownReview, NotAllowed, Rejected, reviewing.TwoPersonsDecide):
        raise PageRefused(409, _DECIDED) from None
    return visit.page("operator/decided.html", done=len(done), decision=visit.field("decision"), proposed=proposed)


def _state(visit: Visit) -> ReviewState:
    """Return what the person decides. Raises ``PageRefused``."""
    state = _STATES.get(visit.field("decision"))
    if state is None:
        raise PageRefused(422, _NO_DECISION)
    return state


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


def _shown(changes: Sequence[Consequence]) -> Mapping[str, Effect]:
    """Return what the preview shows of each review, for the second person to read too."""
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


def _basis(review: Review) -> str:
    """Return what a review is now: who decides decides about that."""
    row = [review.object_id, review.version, review.opened, review.rule]
    return hashlib.sha256(orjson.dumps(row)).hexdigest()
