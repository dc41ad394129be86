"""Holds by police: an account that a state authority has frozen stays on hold until the hold ends.

Until then corroboration, doubts and the end of other reports do not lower the grade below ``hold``. A doubt still
shows, as ``disputed``.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from schemas.fields import Hold
from schemas.kind import Kind
from schemas.partner import PartnerKind
from schemas.vocabulary import Action
from server.release.fuse import grade
from server.release.fuse.statements import ReportedValue, Statement

_STRENGTH = {action: place for place, action in enumerate(Action)}


def is_police_hold(statement: Statement, at: datetime) -> bool:
    """Return whether a government with authority for the kind holds money that it has not released ``at`` that time."""
    return statement.partner.kind is PartnerKind.GOVERNMENT and grade.is_official_hold(statement, at)


def are_held(values: Iterable[ReportedValue], at: datetime) -> set[str]:
    """Return the subjects of the values that police hold ``at`` that time."""
    return {value.subject for value in values if any(is_police_hold(statement, at) for statement in value.statements)}


def at_least_held(
    kind: Kind, found: Action, holds: Sequence[Hold], statements: Iterable[Statement], at: datetime
) -> Action:
    """Return the grade ``found`` of a value, or ``hold`` if that is stronger and one of the statements is a police
    hold.

    ``holds`` are the holds that any partner asks for; if there are none, the statements are not read.
    """
    if not holds or _STRENGTH[found] <= _STRENGTH[Action.HOLD] or Action.HOLD not in kind.grades:
        return found
    return Action.HOLD if any(is_police_hold(statement, at) for statement in statements) else found
