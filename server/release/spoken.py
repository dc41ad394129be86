"""What a partner says of a value by a sighting or an opinion."""

from collections.abc import Mapping
from typing import Any

from mappers import records
from schemas.errors import Rejected
from schemas.outcome import Opinion, Outcome
from schemas.partner import Partner
from schemas.sighting import Sighting
from server.release.fuse import Judged, Seen

Obj = Mapping[str, Any]


def said_of_values(obj: Obj, partner: Partner) -> Seen | Judged | None:
    """Give what a sighting or an opinion says, None for what says nothing that we read."""
    try:
        return seen(obj, partner) or judged(obj, partner)
    except Rejected:
        return None


def seen(obj: Obj, partner: Partner) -> Seen | None:
    """Give what a sighting says, None for an object that is none. Raises ``Rejected``."""
    match records.from_stix(obj):
        case [Sighting() as said]:
            last = said.last_seen or said.reported_at
            return Seen(partner, said.first_seen or last, last, said.count)
    return None


def judged(obj: Obj, partner: Partner) -> Judged | None:
    """Give what an opinion says, None for an object that is none. Raises ``Rejected``."""
    match records.from_stix(obj):
        case [Outcome() as said, *_]:
            return Judged(partner, said.outcome, None, said.reported_at, said.reason)
        case [Opinion() as said, *_]:
            return Judged(partner, None, said.opinion, said.reported_at)
    return None
