"""What all partners say of a value: the live reports, the sightings, the judgements, and whom each may reach."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from mappers import foreign, kinds, pattern
from schemas.errors import Rejected
from schemas.vocabulary import Tlp
from server.release.fuse.statements import Judged, Said, Seen
from server.release.route.audience import Rooms
from server.store import listings, mentions
from server.store.reviews import Review

Obj = Mapping[str, Any]

# By these rules a listing is looked at, instead of what a partner contributed: one that a trusted partner disputes is
# listed nowhere meanwhile, one that is doubted stays.
DISPUTED = "disputed"
DOUBTED = "doubted"
# By this rule a sign of coercion is looked at; it is heard all the same.
COERCED = "coerced"


class Claim(NamedTuple):
    """One partner's live report of the value, and the rooms it may enter."""

    said: Said
    rooms: Rooms
    tlp: Tlp


class Sight(NamedTuple):
    """One sighting of the value, by which object, and the rooms it may enter; it ``counts`` where it has standing."""

    seen: Seen
    id: str
    rooms: Rooms
    counts: bool = True


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
    ``coerced``: one with standing sees signs that the holder acts under coercion. ``signs`` are the reports of others
    that say so. ``settled`` is when a person last upheld it against doubts (microseconds).
    """

    subject: str
    ids: frozenset[str] = frozenset()
    listed: Mapping[str, list[str]] = field(default_factory=dict)
    claims: list[Claim] = field(default_factory=list)
    sights: list[Sight] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    disputed: bool = False
    coerced: bool = False
    signs: frozenset[str] = frozenset()
    settled: int | None = None

    @cached_property
    def listings(self) -> frozenset[str]:
        """Give the ids of all listings that there were of the value."""
        return frozenset(listings.all_of(self.listed))

    @property
    def doubts(self) -> list[Verdict]:
        """Return the verdicts against the value that no person has answered."""
        return [verdict for verdict in self.verdicts if verdict.judged.doubt is not None]

    @property
    def sightings(self) -> list[Seen]:
        """Return the sightings that count."""
        return [sight.seen for sight in self.sights if sight.counts]

    @property
    def kind(self) -> str:
        """Give the kind of the value."""
        return self.subject.partition(":")[0]


def is_heard_meanwhile(review: Review) -> bool:
    """Tell whether what is looked at is heard until that is done: a sign of coercion protects somebody at once."""
    return review.state == "open" and review.rule == COERCED


def subject_of(obj: Obj) -> str | None:
    """Give the name of the value that an indicator is about, None for what is about no single one."""
    try:
        mapper, normal = kinds.read(foreign.renamed(pattern.read(obj["pattern"])))
    except (Rejected, KeyError, TypeError):
        return None
    return mentions.subject(mapper.kind, normal.value)
