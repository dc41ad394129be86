"""By which ids an indicator was first known, before others passed it on: as external references."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from schemas.subject import ID

_LISTING = re.compile(r"[0-9]{1,4}")
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
    """Tell whether it is an id, or a later listing of one, and no words that would go on to every reader."""
    if not isinstance(said, str):
        return False
    id_, _, listing = said.partition("/")
    return ID.fullmatch(id_) is not None and (id_ == said or _LISTING.fullmatch(listing) is not None)


_NONE: frozenset[str] = frozenset()
