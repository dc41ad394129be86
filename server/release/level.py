"""At which TLP level an object is treated."""

from collections.abc import Mapping
from typing import Any

from mappers import marking
from schemas.vocabulary import Tlp

_UNVERSIONED_NEUTRAL = frozenset({"marking-definition", "extension-definition", "identity"})


def of(obj: Mapping[str, Any]) -> Tlp:
    """Give the level an object is treated at: the narrowest it is marked with, AMBER where it bears none.

    Observables, which say nothing about anybody by themselves, and definitions are CLEAR where they bear none.
    """
    neutral = "created" not in obj or obj["type"] in _UNVERSIONED_NEUTRAL
    return marking.tlp_of(obj) or (Tlp.CLEAR if neutral else Tlp.AMBER)


def narrower(one: Tlp, other: Tlp) -> Tlp:
    """Give the narrower of two levels."""
    return marking.narrowest((one, other)) or Tlp.RED
