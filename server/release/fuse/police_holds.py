"""Holds by police: an account that an authority of a state has frozen is held until then, whatever others come to say.

Corroboration, doubts and the ends of other reports lower the grade no further than ``hold`` meanwhile. A doubt still
shows, as ``disputed``.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from schemas.fields import Hold
from schemas.kind import Kind
from schemas.partner import PartnerKind
from schemas.vocabulary import Action
from server.release.fuse import grade
from server.release.fuse.statements import Statement

_STRENGTH = {action: place for place, action in enumerate(Action)}


def is_police_hold(statement: Statement, at: datetime) -> bool:
    """Return whether a government with authority for the kind holds money that it has not let go ``at`` that time."""
    return statement.partner.kind is PartnerKind.GOVERNMENT and grade.is_official_hold(statement, at)


def at_least_held(
    kind: Kind, found: Action, holds: Sequence[Hold], statements: Iterable[Statement], at: datetime
) -> Action:
    """Return the grade ``found`` of a value, or ``hold`` where that is stronger and one of the statements is such.

    ``holds`` are all that anybody asks to be held; without any, nothing is looked at.
    """
    if not holds or _STRENGTH[found] <= _STRENGTH[Action.HOLD] or Action.HOLD not in kind.grades:
        return found
    return Action.HOLD if any(is_police_hold(statement, at) for statement in statements) else found
