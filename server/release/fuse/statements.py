"""Reports, sightings and opinions, each as one partner's statement about one value."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from functools import cached_property
from typing import Any, NamedTuple

from mappers import annotation, foreign, kinds, pattern, records
from schemas.errors import Rejected
from schemas.partner import Partner
from schemas.record import Opinion, Outcome, Sighting
from schemas.report import Report
from schemas.vocabulary import OpinionWord, OutcomeWord, Tlp
from server.release.fuse import confidence
from server.release.fuse.confidence import NEWCOMER, Doubt
from server.release.route import audience
from server.release.route.audience import Audience
from server.store import listings, value_index
from server.store.reviews import Review

_NO_ORIGINS: frozenset[str] = frozenset()


class JudgeStanding(IntEnum):
    """What stands behind a partner's word about what others report of a value.

    ``DECIDES``: it has authority for the kind, keeps the account, or is trusted. ``WITH``: it reports the value, or
    reads a collection that not anybody reads and that may have it. ``WITHOUT``: it reads it in ``public`` alone.
    ``SETTLED``: a person upheld the value before it said this, and looks at it again.
    """

    SETTLED = 0
    WITHOUT = 1
    WITH = 2
    DECIDES = 3


class Statement(NamedTuple):
    """One partner's latest indicator of the value; ``id`` is its key in the inbox.

    ``origins`` are the ids under which what it passes on was first known; none where it speaks for itself. ``new``:
    the partner takes part for so short a time that its word alone blocks nothing. ``passed_on``: somebody made the
    object who is no partner.
    """

    partner: Partner
    report: Report
    id: str
    reliability: float = NEWCOMER
    origins: frozenset[str] = _NO_ORIGINS
    new: bool = False
    passed_on: bool = False

    @property
    def object_id(self) -> str:
        """Give the id of the indicator itself."""
        return self.id.rpartition("/")[2]

    @property
    def sources(self) -> frozenset[str]:
        """Give the ids of what it passes on, its own where somebody else made it."""
        return self.origins | {self.object_id} if self.passed_on else self.origins


@dataclass(frozen=True, slots=True)
class SightingStatement:
    """One partner's sighting of the value; ``count`` 0 says that it was looked for and not seen."""

    partner: Partner
    first: datetime | None
    last: datetime | None
    count: int = 1


class OpinionStatement(NamedTuple):
    """What one partner did about the value, and why, or what it thinks of it, at a time.

    ``standing`` is what stands behind its word, ``record`` its own reliability for the kind.
    """

    partner: Partner
    outcome: OutcomeWord | None
    opinion: OpinionWord | None
    at: datetime
    reason: str | None = None
    standing: JudgeStanding = JudgeStanding.WITH
    record: float = NEWCOMER

    @property
    def doubt(self) -> Doubt | None:
        """Give what it says against the value."""
        return confidence.doubt(self.outcome, self.opinion, self.reason)


Obj = Mapping[str, Any]

# By these rules a listing is looked at, instead of what a partner contributed: one that a trusted partner disputes is
# listed nowhere meanwhile, one that is doubted stays.
DISPUTED = "disputed"
DOUBTED = "doubted"
# By this rule a sign of coercion is looked at; it is heard all the same.
COERCED = "coerced"


class Claim(NamedTuple):
    """One partner's live report of the value, and the rooms it may enter."""

    said: Statement
    rooms: Audience
    tlp: Tlp


class Sight(NamedTuple):
    """One sighting of the value, by which object, and the rooms it may enter; it ``counts`` where it has standing."""

    seen: SightingStatement
    id: str
    rooms: Audience
    counts: bool = True


class Verdict(NamedTuple):
    """What one partner did about the value, or thinks of it, by which object, and the rooms it may enter."""

    judged: OpinionStatement
    id: str
    rooms: Audience


@dataclass
class ReportedValue:
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
    def sightings(self) -> list[SightingStatement]:
        """Return the sightings that count."""
        return [sight.seen for sight in self.sights if sight.counts]

    @property
    def kind(self) -> str:
        """Give the kind of the value."""
        return self.subject.partition(":")[0]


def is_published_meanwhile(review: Review) -> bool:
    """Tell whether what is looked at is heard until that is done: a sign of coercion protects somebody at once."""
    return review.state == "open" and review.rule == COERCED


def subject_of(obj: Obj) -> str | None:
    """Give the name of the value that an indicator is about, None for what is about no single one."""
    try:
        mapper, normal = kinds.read(foreign.with_own_names(pattern.read(obj["pattern"])))
    except (Rejected, KeyError, TypeError):
        return None
    return value_index.subject_of(mapper.kind, normal.value)


def read_annotation(obj: Mapping[str, Any], partner: Partner) -> SightingStatement | OpinionStatement | None:
    """Give what a sighting or an opinion says, None for what says nothing that we read."""
    try:
        # By what is published of it, so that what is of no known form takes nothing from the rest.
        said = records.from_stix(annotation.rebuild(obj, audience.effective_tlp(obj)).obj)[0]
    except Rejected:
        return None
    match said:
        case Sighting():
            last = said.last_seen or said.reported_at
            return SightingStatement(partner, said.first_seen or last, last, said.count)
        case Outcome():
            return OpinionStatement(partner, said.outcome, None, said.reported_at, said.reason)
        case Opinion():
            return OpinionStatement(partner, None, said.opinion, said.reported_at)
    return None
