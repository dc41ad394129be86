"""Who may hear it: which collections an object enters, by its kind and its marking."""

from collections.abc import Mapping
from typing import Any

from mappers import marking
from schemas import kinds
from schemas.vocabulary import Tlp

PUBLIC = "public"
SIGHTINGS = "sightings"
FULL = "-full"

# Readers of member collections are partners; AMBER lets an organisation tell those who need it, and no wider.
_MEMBERS = frozenset({Tlp.CLEAR, Tlp.GREEN, Tlp.AMBER})
_UNVERSIONED_NEUTRAL = frozenset({"marking-definition", "extension-definition", "identity"})


def level(obj: Mapping[str, Any]) -> Tlp:
    """Give the level an object is treated at: the narrowest it is marked with, AMBER where it bears none.

    Observables, which say nothing about anybody by themselves, and definitions are CLEAR where they bear none.
    """
    neutral = "created" not in obj or obj["type"] in _UNVERSIONED_NEUTRAL
    return marking.tlp_of(obj) or (Tlp.CLEAR if neutral else Tlp.AMBER)


def narrower(one: Tlp, other: Tlp) -> Tlp:
    """Give the narrower of two levels."""
    return marking.narrowest((one, other)) or Tlp.RED


def may_be_released(tlp: Tlp) -> bool:
    """Tell whether an object of that level may enter any collection that more than named partners read."""
    return tlp in _MEMBERS


def aliases(home: str, tlp: Tlp) -> list[str]:
    """Give the collections for an object whose readers are those of ``home``, without their ``-full`` twins."""
    if not may_be_released(tlp):
        return []
    return [home, PUBLIC] if tlp is Tlp.CLEAR else [home]


def why_nowhere(tlp: Tlp) -> str:
    """Say why an object of that level enters no collection."""
    return f"TLP:{tlp.value.upper()} reaches only whom it names, and it names nobody"


def home_of(kind: str) -> str:
    """Give the alias of the collection whose readers act on indicators of ``kind``."""
    return kinds.get(kind).collection
