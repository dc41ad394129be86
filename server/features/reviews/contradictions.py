"""Dual control if the provider of an account cleared it, and a partner with authority reports it again."""

from collections.abc import Sequence
from typing import cast, get_args

from schemas.errors import Rejected
from server.features.reports.delistings import witnesses
from server.operations.dual_control import Arguments, DualControlAction, Effects, Signatures
from server.release import review as reviewing
from server.release.fuse.statements import CONTRADICTED
from server.release.hub import Hub
from server.release.session import ReleaseSession
from server.store.database.engine import Tx
from server.store.proposals.proposals import Effect
from server.store.reviews import Review, ReviewState

_DOES: dict[ReviewState, Effect] = {"approved": Effect("keeper-overruled"), "rejected": Effect("keeper-confirmed")}


def _effects(hub: Hub, tx: Tx, arguments: Arguments) -> Effects:
    """Return the effects of the decision. Raises ``UnknownReview``, and ``Rejected`` if nothing is left to decide."""
    review, state = _read(tx, arguments)
    session, _ = ReleaseSession.open_locked(hub, tx, lambda session: (None, {str(review.subject)}))
    [value] = session.load([str(review.subject)])
    answer = value.answer
    if answer is None:
        raise Rejected("not-open", "the provider's finding no longer counts: there is nothing to decide")
    reporters = sorted({str(report.partner.kind) for report in value.statements})
    lines = [_DOES[state], Effect("review", {"id": review.object_id})]
    asides = [
        Effect("keeper", {"partner": answer.said_by, "answer": str(answer.code)}),
        Effect("reports-of-kinds", {"reports": len(value.statements), "kinds": reporters}),
    ]
    # Both sides may repeat themselves as often as they like; another finding, or another reporter, changes the basis.
    basis = [review.subject, answer.said_by, str(answer.code)]
    return Effects(lines, basis, asides, witnesses(tx, [str(review.subject)]))


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
        raise Rejected("not-open", "there is no open review of this listing that needs dual control")
    return review, cast("ReviewState", state)


def _delisted(tx: Tx, arguments: Arguments) -> list[str]:
    """Return the value that the decision delists, none if the reports stay."""
    review, state = _read(tx, arguments)
    return [str(review.subject)] if state == "rejected" else []


DECIDE = DualControlAction("decide-keeper-contradicted", _effects, _carry_out, freezes=_delisted)
