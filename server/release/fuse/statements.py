"""Reports, sightings and opinions, each as one partner's statement about one value."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from functools import cached_property
from typing import Any, NamedTuple

from mappers import annotation, extension, foreign, kinds, pattern, records
from schemas.errors import Rejected
from schemas.partner import Partner
from schemas.qualification import EFFECTS, Qualification, QualificationCode, QualificationEffect
from schemas.record import Opinion, Outcome, Sighting
from schemas.report import Report
from schemas.vocabulary import OpinionWord, OutcomeWord, Tlp
from server.release.fuse import confidence
from server.release.fuse.confidence import NEWCOMER, Doubt
from server.release.route import audience
from server.release.route.audience import Audience
from server.store import listings, value_index
from server.store.reviews import Review

# Rules by which a listing is reviewed, instead of a contribution. One that a trusted partner disputes is listed nowhere
# meanwhile; one that is doubted stays listed.
DISPUTED = "disputed"
DOUBTED = "doubted"
DOUBTS = frozenset((DISPUTED, DOUBTED))
# The rule by which a sign of coercion is reviewed; it counts meanwhile.
COERCED = "coerced"
# The rule by which the operator decides whether a keeper hears of a report that names it not to be told.
WITHHELD = "withheld-from-keeper"
# The rule by which two persons decide between the keeper's answer and a later report by authority.
CONTRADICTED = "keeper-contradicted"
_WITHHELD_MARK = "#keeper"
_CONTRADICTED_MARK = "#answer"

_NO_ORIGINS: frozenset[str] = frozenset()
_NO_AUDIENCE = Audience()


class JudgeStanding(IntEnum):
    """The standing of a partner that judges what others report of a value.

    ``DECIDES``: it has authority for the kind, keeps the account, or is trusted. ``WITH``: it reports the value, or
    reads a collection, other than ``public``, that may list it. ``WITHOUT``: it reads the value in ``public`` alone.
    ``SETTLED``: a person upheld the value before this opinion came, and reviews it again.
    """

    SETTLED = 0
    WITHOUT = 1
    WITH = 2
    DECIDES = 3


class Statement(NamedTuple):
    """One partner's latest report of the value, and the audience that may see it; ``key`` is its key in the inbox.

    ``tlp`` is the level at which it is treated. ``origins`` are the ids under which a forwarded report was first
    known; none for the partner's own. ``new``: the partner is a newcomer, whose report alone blocks nothing.
    ``passed_on``: the object was made by somebody who is no partner.
    """

    partner: Partner
    report: Report
    key: str
    audience: Audience = _NO_AUDIENCE
    tlp: Tlp = Tlp.AMBER
    reliability: float = NEWCOMER
    origins: frozenset[str] = _NO_ORIGINS
    new: bool = False
    passed_on: bool = False

    @property
    def object_id(self) -> str:
        """Return the id of the indicator itself."""
        return self.key.rpartition("/")[2]

    @property
    def sources(self) -> frozenset[str]:
        """Return the ids of what it passes on, with its own id where somebody else made the object."""
        return self.origins | {self.object_id} if self.passed_on else self.origins


@dataclass(frozen=True, slots=True)
class SightingStatement:
    """One partner's sighting of the value, and the audience that may see it; ``key`` is its key in the inbox.

    ``count`` 0 means that the partner looked for the value and did not see it. ``counts`` is true where the partner
    has standing.
    """

    partner: Partner
    first: datetime | None
    last: datetime | None
    count: int = 1
    key: str = ""
    audience: Audience = _NO_AUDIENCE
    counts: bool = True


class OpinionStatement(NamedTuple):
    """One partner's outcome or opinion of the value, and the audience that may see it; ``key`` is its key in the inbox.

    ``standing`` is the partner's standing, ``record`` its own reliability for the kind, ``reference`` its own reference
    of what it states.
    """

    partner: Partner
    outcome: OutcomeWord | None
    opinion: OpinionWord | None
    at: datetime
    reason: str | None = None
    standing: JudgeStanding = JudgeStanding.WITH
    record: float = NEWCOMER
    key: str = ""
    audience: Audience = _NO_AUDIENCE
    reference: str | None = None

    @property
    def doubt(self) -> Doubt | None:
        """Return the doubt that it expresses, None where it expresses none."""
        return confidence.doubt(self.outcome, self.opinion, self.reason)


class KeeperAnswer(NamedTuple):
    """The latest answer of the institution that keeps the value; ``key`` is its key in the inbox.

    ``added`` is when the hub received it (microseconds), None for one that comes just now.
    """

    partner: Partner
    code: QualificationCode
    at: datetime
    key: str
    added: int | None = None

    @property
    def effect(self) -> QualificationEffect:
        """Return its effect on the listings of the value."""
        return EFFECTS[self.code]

    def is_after(self, added: int | None) -> bool:
        """Return whether it came after something that was ``added`` then; nothing is after what comes just now."""
        return added is not None and (self.added is None or self.added > added)


@dataclass
class ReportedValue:
    """A value with all statements about it.

    ``ids`` are the keys of all reports that name it, and the ids of its listings. ``listed`` are these ids by track,
    the oldest first: "" for the shared collections, or the name of the partner whose private collection it is.

    ``disputed``: a trusted partner calls the listing a false positive, and nobody has reviewed it yet. ``coerced``: a
    partner with standing reports signs that the holder acts under coercion. ``signs`` are the keys of reports that say
    so without standing. ``settled`` is when a person last upheld the value against doubts (microseconds). ``answer`` is
    what the institution that keeps the value says, ``ended`` are the reports that this ended. ``mentions`` are the keys
    of all contributions that refer to its reports or listings.
    """

    subject: str
    ids: frozenset[str] = frozenset()
    listed: Mapping[str, list[str]] = field(default_factory=dict)
    statements: list[Statement] = field(default_factory=list)
    sightings: list[SightingStatement] = field(default_factory=list)
    opinions: list[OpinionStatement] = field(default_factory=list)
    disputed: bool = False
    coerced: bool = False
    signs: frozenset[str] = frozenset()
    settled: int | None = None
    answer: KeeperAnswer | None = None
    ended: list[Statement] = field(default_factory=list)
    mentions: Sequence[str] = ()

    @cached_property
    def listings(self) -> frozenset[str]:
        """Return the ids of all listings that the value has or had."""
        return frozenset(listings.all_of(self.listed))

    @property
    def doubts(self) -> list[OpinionStatement]:
        """Return the opinions against the value that no person has answered."""
        return [opinion for opinion in self.opinions if opinion.doubt is not None]

    @property
    def counting_sightings(self) -> list[SightingStatement]:
        """Return the sightings by partners with standing."""
        return [sighting for sighting in self.sightings if sighting.counts]

    @property
    def is_one_report(self) -> bool:
        """Return whether one partner's report is all that is said of it."""
        more = self.sightings or self.opinions or self.disputed or self.answer
        return len(self.statements) == 1 and not more

    @property
    def kind(self) -> str:
        """Return the kind of the value."""
        return self.subject.partition(":")[0]


def withheld_id(key: str) -> str:
    """Return the id of the review whether a keeper hears of the report of that key."""
    return key + _WITHHELD_MARK


def contradicted_id(listing: str) -> str:
    """Return the id of the review of the keeper's answer about a listing; doubts of the listing have the listing's."""
    return listing + _CONTRADICTED_MARK


def reported_by(review_id: str) -> str:
    """Return the key of the contribution that a review is about: of one whether a keeper hears of it, too."""
    return review_id.removesuffix(_WITHHELD_MARK)


def is_published_meanwhile(review: Review) -> bool:
    """Return whether the object counts while its review is open: a sign of coercion protects somebody at once."""
    return review.state == "open" and review.rule == COERCED


def indicator_subject(obj: Mapping[str, Any]) -> str | None:
    """Return the subject of an indicator's single value, None for an indicator that names no single one."""
    try:
        mapper, normal = kinds.read(foreign.with_own_names(pattern.read(obj["pattern"])))
    except (Rejected, KeyError, TypeError):
        return None
    return value_index.subject_of(mapper.kind, normal.value)


def read_answer(obj: Mapping[str, Any]) -> Qualification | None:
    """Return the answer of the institution that keeps a value, None for one of a form that is not known here."""
    try:
        found = records.from_stix(annotation.rebuild(obj, audience.effective_tlp(obj)).obj)[0]
    except Rejected:
        return None
    return found if isinstance(found, Qualification) else None


def read_annotation(obj: Mapping[str, Any], partner: Partner) -> SightingStatement | OpinionStatement | None:
    """Return the statement of a sighting or an opinion, None for one of a form that is not known here.

    One whose sharing limits cannot be read is of no known form: they could not be kept.
    """
    try:
        extension.sharing(obj)
        # Read as published, so that properties of no known form take nothing from the rest.
        record = records.from_stix(annotation.rebuild(obj, audience.effective_tlp(obj)).obj)[0]
    except Rejected:
        return None
    match record:
        case Sighting():
            last = record.last_seen or record.reported_at
            return SightingStatement(partner, record.first_seen or last, last, record.count)
        case Outcome():
            at, reference = record.reported_at, record.reference
            return OpinionStatement(partner, record.outcome, None, at, record.reason, reference=reference)
        case Opinion():
            return OpinionStatement(partner, None, record.opinion, record.reported_at, reference=record.reference)
    return None
