"""What a partner says of a value by a sighting or an opinion."""

from collections.abc import Mapping
from typing import Any

from mappers import annotation, records
from schemas.errors import Rejected
from schemas.partner import Partner
from schemas.record import Opinion, Outcome, Sighting
from server.release.fuse.statements import Judged, Seen
from server.release.route import tlp_level


def said_of_values(obj: Mapping[str, Any], partner: Partner) -> Seen | Judged | None:
    """Give what a sighting or an opinion says, None for what says nothing that we read."""
    try:
        # By what is published of it, so that what is of no known form takes nothing from the rest.
        said = records.from_stix(annotation.rebuild(obj, tlp_level.of(obj)).obj)[0]
    except Rejected:
        return None
    match said:
        case Sighting():
            last = said.last_seen or said.reported_at
            return Seen(partner, said.first_seen or last, last, said.count)
        case Outcome():
            return Judged(partner, said.outcome, None, said.reported_at, said.reason)
        case Opinion():
            return Judged(partner, None, said.opinion, said.reported_at)
    return None
