"""Find the review decisions under dual control, and propose them."""

from collections.abc import Mapping, Sequence

from server.features.reports import delistings
from server.features.reviews import held_reports
from server.features.reviews.contradictions import DECIDE
from server.operations.dual_control import DualControlAction, propose
from server.release.fuse.statements import CONTRADICTED
from server.release.hub import Hub
from server.store.database.engine import Tx
from server.store.proposals.proposals import Effect, Proposal
from server.store.reviews import Review, ReviewState


def actions_of(hub: Hub, tx: Tx, found: Sequence[Review], state: ReviewState) -> dict[str, DualControlAction]:
    """Return the action for each of the open reviews whose decision is under dual control, by review id."""
    open_ = [review for review in found if review.state == "open"]
    actions: dict[str, DualControlAction] = {}
    if state == "approved":
        far_read = held_reports.coerced_and_far_read(tx, open_, hub.most_readers_by_one)
        actions |= dict.fromkeys(far_read, held_reports.APPROVE_COERCED)
        actions |= dict.fromkeys(held_reports.known_as_harmless(hub, tx, open_), held_reports.APPROVE_HARMLESS)
        actions |= dict.fromkeys(held_reports.with_authority(tx, open_), held_reports.APPROVE)
    else:
        actions |= dict.fromkeys(delistings.delisted_by(tx, open_, hub.most_readers_by_one), delistings.DELIST)
    return actions | {review.object_id: DECIDE for review in open_ if review.rule == CONTRADICTED}


def propose_all(
    hub: Hub,
    tx: Tx,
    actions: Mapping[str, DualControlAction],
    state: ReviewState,
    by: str,
    note: str | None,
    shown: Mapping[str, Effect],
) -> list[Proposal]:
    """Propose ``actions``, given by review: one proposal for each action, and for each contradiction its own.

    ``shown`` are further effects shown to the person, by review. Raises what the actions raise.
    """
    ids_by_action: dict[str, tuple[DualControlAction, list[str]]] = {}
    made = []
    for id_, action in sorted(actions.items()):
        also = [shown[id_]] if id_ in shown else []
        if action is DECIDE:
            made.append(propose(hub, tx, action, {"id": id_, "state": state}, by, note, shown=also))
        else:
            ids_by_action.setdefault(action.name, (action, []))[1].append(id_)
    for action, ids in ids_by_action.values():
        also = [shown[id_] for id_ in ids if id_ in shown]
        made.append(propose(hub, tx, action, {"ids": ids}, by, note, shown=also))
    return made
