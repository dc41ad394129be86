"""How strongly an indicator asks to be acted on, and whether that is strong enough."""

from collections.abc import Mapping
from typing import Any

from mappers import extension
from schemas.vocabulary import Action
from server.release.fuse.grade import FROM

_RANK = {action: rank for rank, action in enumerate(Action)}


def grade(indicator: Mapping[str, Any]) -> Action:
    """Return the grade that an indicator says, else the one its confidence comes to, else the weakest."""
    said = extension.context_of(indicator).get("requested_action")
    if said in _RANK:
        return Action(said)
    sure = indicator.get("confidence")
    if not isinstance(sure, int | float) or isinstance(sure, bool):
        return Action.INVESTIGATE
    return next((action for action, least in FROM.items() if sure >= least), Action.INVESTIGATE)


def reaches(indicator: Mapping[str, Any], least: Action | None) -> bool:
    """Tell whether an indicator's grade is ``least`` or stronger; None asks for nothing."""
    return least is None or _RANK[grade(indicator)] <= _RANK[least]
