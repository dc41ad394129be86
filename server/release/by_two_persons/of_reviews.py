"""Which decisions of reviews two persons take, and how one of them proposes these."""

from collections.abc import Mapping, Sequence

from server.release.by_two_persons import delistings, held_reports
from server.release.by_two_persons.contradictions import DECIDE
from server.release.fuse.statements import CONTRADICTED
from server.release.hub import Hub
from server.release.two_persons import TwoPersonAction, propose
from server.store.database.engine import Tx
from server.store.proposals.proposals import Effect, Proposal
from server.store.reviews import Review, ReviewState


def actions_of(hub: Hub, tx: Tx, found: Sequence[Review], state: ReviewState) -> dict[str, TwoPersonAction]:
    """Return, by the ids of the open reviews that two persons decide so, the action that does it."""
    open_ = [review for review in found if review.state == "open"]
    actions: dict[str, TwoPersonAction] = {}
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
    actions: Mapping[str, TwoPersonAction],
    state: ReviewState,
    by: str,
    note: str | None,
    shown: Mapping[str, Effect],
) -> list[Proposal]:
    """Propose what ``actions`` has by review: one proposal an action, and for each contradiction one of its own.

    ``shown`` has by review what else the person was shown. Raises what the actions raise.
    """
    ids_by_action: dict[str, tuple[TwoPersonAction, list[str]]] = {}
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
