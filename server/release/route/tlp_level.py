"""At which TLP level an object is treated."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from mappers import marking
from schemas.vocabulary import Tlp

UNKNOWN_MARKING = (
    "it bears a marking that this hub does not know as a level of TLP: contribute its marking-definition, with the "
    "level in its content, or mark it with TLP itself"
)
_NO_LEVELS: Mapping[str, Tlp] = MappingProxyType({})
_UNVERSIONED_NEUTRAL = frozenset({"marking-definition", "extension-definition", "identity"})


def effective_tlp(obj: Mapping[str, Any], others: Mapping[str, Tlp] = _NO_LEVELS) -> Tlp:
    """Give the level an object is treated at: the narrowest it is marked with, AMBER where it bears none.

    Observables, which say nothing about anybody by themselves, and definitions are CLEAR where they bear none.
    ``others`` are levels by the ids of markings that are not those of TLP itself.
    """
    neutral = "created" not in obj or obj["type"] in _UNVERSIONED_NEUTRAL
    return marking.tlp_of(obj, others) or (Tlp.CLEAR if neutral else Tlp.AMBER)


def narrower_tlp(one: Tlp, other: Tlp) -> Tlp:
    """Give the narrower of two levels."""
    return marking.narrowest((one, other)) or Tlp.RED
