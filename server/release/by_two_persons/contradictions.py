"""Two persons decide where the keeper of an account cleared it, and a partner with authority reports it again."""

from collections.abc import Sequence
from typing import cast, get_args

from schemas.errors import Rejected
from server.release import review as reviewing
from server.release.fuse.statements import CONTRADICTED
from server.release.hub import Hub
from server.release.session import ReleaseSession
from server.release.two_persons import Arguments, Effects, Signatures, TwoPersonAction
from server.store.database.engine import Tx
from server.store.proposals.proposals import Effect
from server.store.reviews import Review, ReviewState

_DOES: dict[ReviewState, Effect] = {"approved": Effect("keeper-overruled"), "rejected": Effect("keeper-confirmed")}


def _effects(hub: Hub, tx: Tx, arguments: Arguments) -> Effects:
    """Return what the decision does. Raises ``UnknownReview``, and ``Rejected`` where nothing is left to decide."""
    review, state = _read(tx, arguments)
    session, _ = ReleaseSession.open_locked(hub, tx, lambda session: (None, {str(review.subject)}))
    [value] = session.load([str(review.subject)])
    answer = value.answer
    if answer is None:
        raise Rejected("not-open", "the keeper's answer counts no more: nothing is to be decided")
    reporters = sorted({str(report.partner.kind) for report in value.statements})
    lines = [
        _DOES[state],
        Effect("review", {"id": review.object_id}),
        Effect("keeper", {"partner": answer.partner.name, "answer": str(answer.code)}),
        Effect("reports-of-kinds", {"reports": len(value.statements), "kinds": reporters}),
    ]
    return Effects(lines, [answer.key, answer.added, sorted(report.key for report in value.statements)])


def _carry_out(hub: Hub, tx: Tx, arguments: Arguments, signatures: Signatures) -> Sequence[Effect]:
    review, state = _read(tx, arguments)
    reviewing.decide(
        hub, tx, [review.object_id], state, signatures.confirmed_by, f"proposal {signatures.proposal}", by_two=True
    )
    return [_DOES[state]]


def _read(tx: Tx, arguments: Arguments) -> tuple[Review, ReviewState]:
    state = str(arguments["state"])
    if state not in get_args(ReviewState) or state == "open":
        raise ValueError(f"no decision: {state}")
    review = reviewing.find(tx, str(arguments["id"]))
    if review.rule != CONTRADICTED or review.state != "open":
        raise Rejected("not-open", "there is no open review of this listing that two persons decide")
    return review, cast("ReviewState", state)


DECIDE = TwoPersonAction("decide-keeper-contradicted", _effects, _carry_out)
