"""Sightings: a partner saw an indicator's value, where, how often and when."""

from datetime import datetime
from typing import Any

from mappers import ids, marking
from schemas import timestamp
from schemas.vocabulary import Tlp


def to_stix(
    sighting_of_ref: str,
    by: str,
    *,
    first_seen: datetime,
    last_seen: datetime,
    count: int = 1,
    tlp: Tlp = Tlp.AMBER,
) -> dict[str, Any]:
    """Give the sighting of an indicator by the identity ``by``, which is also where it was sighted.

    ``count`` 0 says that it was looked for and not seen. OpenCTI drops sightings that say no place.
    """
    first, last = timestamp.text(first_seen), timestamp.text(last_seen)
    return {
        "type": "sighting",
        "spec_version": "2.1",
        "id": ids.sighting(by, sighting_of_ref, first, last),
        "created_by_ref": by,
        "created": last,
        "modified": last,
        "first_seen": first,
        "last_seen": last,
        "count": count,
        "sighting_of_ref": sighting_of_ref,
        "where_sighted_refs": [by],
        "summary": False,
        "object_marking_refs": [marking.ref(tlp)],
    }
