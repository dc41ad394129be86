"""What a partner contributes: kept in the inbox, and heard in what the hub says, as far as the release rules let it."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from mappers.grammar import TOO_COSTLY, PatternBudget
from mappers.indicator import from_stix
from schemas.errors import Rejected
from schemas.partner import Partner
from schemas.report import Report
from server.release.contribution import Contribution
from server.release.guard import shape
from server.release.guard.allowlists import check
from server.release.guard.personal_data import objects
from server.release.intake import RESERVED, TRANSLATION
from server.release.outcome import Outcome, Refused
from server.release.route import annotation_targets
from server.release.route.policy import Policy
from server.release.scene import at_hand
from server.release.taken import Taken
from server.store.item import Item
from server.store.store import Tx

logger = logging.getLogger(__name__)

# However much comes at once, memory is for a part of it.
_AT_ONCE = 2_000
_LEFT = "not-a-partner: you take part here no more"


@dataclass
class Prepared:
    """Objects that were read, and those that cannot be: all that takes time and no look at the store."""

    taken: list[Taken] = field(default_factory=list)
    failed: list[Refused] = field(default_factory=list)


def prepare(items: Sequence[Item], budget: PatternBudget | None = None) -> Prepared:
    """Read ``items``, as far as ``budget`` allows their patterns; what is wrong with one never stops the others."""
    prepared = Prepared()
    for item in items:
        taken = _read(item, prepared, budget)
        if taken is not None:
            prepared.taken.append(taken)
    return prepared


def contribute(tx: Tx, partner: Partner, items: Sequence[Item], policy: Policy | None = None) -> Outcome:
    """Take ``items`` from ``partner`` into the inbox and release what they say, all in the caller's transaction.

    Released by ``policy``, else by the one in force. Repeating a contribution changes nothing. One bad item never stops
    the others: it is listed with the reason.
    """
    outcome = Outcome()
    # What speaks of others comes after them, in whichever part of a large contribution they are.
    ordered = sorted(items, key=lambda item: annotation_targets.order(item.type)) if len(items) > _AT_ONCE else items
    for start in range(0, len(ordered), _AT_ONCE):
        take(tx, partner, prepare(ordered[start : start + _AT_ONCE]), outcome, policy)
    return outcome


def take(tx: Tx, partner: Partner, prepared: Prepared, outcome: Outcome, policy: Policy | None = None) -> None:
    """Take what was read from ``partner``, as ``contribute`` does, and add to ``outcome`` what became of it."""
    outcome.failed += prepared.failed
    if not prepared.taken:
        return
    scene = at_hand(tx, policy)
    if partner.name in scene.registry.gone:
        outcome.failed += [Refused(each.item.id, each.item.version, _LEFT) for each in prepared.taken]
    else:
        Contribution(scene, partner, outcome).take(prepared.taken)
    for taken in prepared.taken:
        if isinstance(taken.report, Rejected):
            _bare(taken.report)


def _read(item: Item, prepared: Prepared, budget: PatternBudget | None) -> Taken | None:
    try:
        obj = shape.read(item)
        report = _reported(obj, budget)
        if not item.revoked and item.id not in RESERVED and item.type != TRANSLATION:
            objects.refuse(obj, report if isinstance(report, Report) else None)
        return Taken(item, obj, report, check.check(report) if isinstance(report, Report) else None)
    except Rejected as refusal:
        prepared.failed.append(Refused(item.id, item.version, refusal.message))
    except (KeyError, TypeError, AttributeError, ValueError):
        # Senders write objects of every shape, and one that nobody thought of must not stop the others.
        logger.exception("object not understood id=%s", item.id)
        prepared.failed.append(Refused(item.id, item.version, "not understood: a property is not as STIX 2.1 has it"))
    return None


def _reported(obj: dict[str, Any], budget: PatternBudget | None) -> Report | Rejected | None:
    """Give what an indicator reports, or why it reports nothing; None for other objects.

    Raises ``Rejected`` for one whose pattern takes more than ``budget`` has left.
    """
    if obj["type"] != "indicator":
        return None
    try:
        return from_stix(obj, budget=budget)
    except Rejected as refusal:
        if refusal.reason == TOO_COSTLY:
            raise
        return _bare(refusal)


def _bare(refusal: Rejected) -> Rejected:
    """Take from a refusal where it was raised: with that it holds all that was read there, and is held by it."""
    return refusal.with_traceback(None)
