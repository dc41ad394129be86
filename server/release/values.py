"""What all partners say of a value: the live reports, the sightings, the judgements, and whom each may reach."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from mappers import foreign, kinds, pattern
from schemas.errors import Rejected
from schemas.vocabulary import Tlp
from server.release.rooms import Rooms
from server.release.statements import Judged, Said, Seen
from server.store import listings, mentions

Obj = Mapping[str, Any]

# By this rule a listing is held, instead of what a partner contributed.
DISPUTED = "disputed"


class Claim(NamedTuple):
    """One partner's live report of the value, and the rooms it may enter."""

    said: Said
    rooms: Rooms
    tlp: Tlp


class Sight(NamedTuple):
    """One sighting of the value, by which object, and the rooms it may enter."""

    seen: Seen
    id: str
    rooms: Rooms


class Verdict(NamedTuple):
    """What one partner did about the value, or thinks of it, by which object, and the rooms it may enter."""

    judged: Judged
    id: str
    rooms: Rooms


@dataclass
class Value:
    """A value and all that is said of it.

    ``ids`` are the keys of all reports that name it, and the ids of the hub's listings. ``listed`` are these by track:
    "" for the shared rooms, or the name of the partner whose own room it is; the oldest first.

    ``disputed``: a trusted partner holds the listing for a false positive, and nobody has looked at it yet.
    ``coerced``: somebody sees signs that the holder acts under coercion.
    """

    subject: str
    ids: frozenset[str] = frozenset()
    listed: Mapping[str, list[str]] = field(default_factory=dict)
    claims: list[Claim] = field(default_factory=list)
    sights: list[Sight] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    disputed: bool = False
    coerced: bool = False

    @cached_property
    def listings(self) -> frozenset[str]:
        """Give the ids of all listings that there were of the value."""
        return frozenset(listings.all_of(self.listed))

    @property
    def kind(self) -> str:
        """Give the kind of the value."""
        return self.subject.partition(":")[0]


def subject_of(obj: Obj) -> str | None:
    """Give the name of the value that an indicator is about, None for what is about no single one."""
    try:
        mapper, normal = kinds.read(foreign.renamed(pattern.read(obj["pattern"])))
    except (Rejected, KeyError, TypeError):
        return None
    return mentions.subject(mapper.kind, normal.value)
