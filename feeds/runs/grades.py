"""Reads the grade of an indicator, and compares it with the least grade wanted."""

from collections.abc import Mapping
from typing import Any

from mappers import extension
from schemas.vocabulary import Action
from server.release.fuse.grade import FROM

_RANK = {action: rank for rank, action in enumerate(Action)}


def grade(indicator: Mapping[str, Any]) -> Action:
    """Return the grade that an indicator states, else the grade of its confidence, else the weakest."""
    word = extension.context_of(indicator).get("requested_action")
    if word in _RANK:
        return Action(word)
    sure = indicator.get("confidence")
    if not isinstance(sure, int | float) or isinstance(sure, bool):
        return Action.INVESTIGATE
    return next((action for action, least in FROM.items() if sure >= least), Action.INVESTIGATE)


def reaches(indicator: Mapping[str, Any], least: Action | None) -> bool:
    """Return whether an indicator's grade is ``least`` or stronger; always true for None."""
    return least is None or _RANK[grade(indicator)] <= _RANK[least]
