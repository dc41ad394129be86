"""By which ids an indicator was first known, before others passed it on: as external references."""

from collections.abc import Iterable, Mapping
from typing import Any

from schemas.subject import ID

ORIGIN = "scamfeed-origin"


def references(origins: Iterable[str]) -> list[dict[str, str]]:
    """Give the external references that name ``origins``."""
    return [{"source_name": ORIGIN, "external_id": origin} for origin in origins]


def listed(stix_object: Mapping[str, Any]) -> list[str]:
    """Give the origins that an object of anybody's names, in their order."""
    references = stix_object.get("external_references")
    return [
        each["external_id"]
        for each in (references if isinstance(references, list) else ())
        if isinstance(each, dict) and each.get("source_name") == ORIGIN and _is_id(each.get("external_id"))
    ]


def of(stix_object: Mapping[str, Any]) -> frozenset[str]:
    """Give the origins that an object names; none where its maker speaks for itself."""
    return frozenset(listed(stix_object)) if "external_references" in stix_object else _NONE


def _is_id(said: Any) -> bool:
    """Tell whether it is an id, and no words that would go on to every reader."""
    return isinstance(said, str) and ID.fullmatch(said) is not None


_NONE: frozenset[str] = frozenset()
