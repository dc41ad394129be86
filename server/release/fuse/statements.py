"""Reports, sightings and opinions, each as one partner's statement about one value."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

from mappers import annotation, extension, kinds, pattern, report_reader
from mappers.record_reader import from_stix
from schemas.errors import Rejected
from schemas.partner import Partner
from schemas.records import Opinion, Outcome, Qualification, Sighting
from schemas.report import Report
from schemas.vocabulary import FINDINGS, Action, OpinionWord, OutcomeWord, QualificationCode, QualificationEffect, Tlp
from server.release.fuse import confidence
from server.release.fuse.confidence import NEWCOMER, Doubt
from server.release.route import audience
from server.release.route.audience import Audience
from server.store import held_ends, listings, value_index
from server.store.reviews import Review

# Rules under which a listing is reviewed, not a contribution. A listing that a trusted partner disputes is removed
# until the review; a listing that is doubted stays.
DISPUTED = "disputed"
DOUBTED = "doubted"
# The rule under which a listing is reviewed that another hub found wrong and this hub's partners report.
PEER_FOUND_WRONG = "peer-found-wrong"
DOUBTS = frozenset((DISPUTED, DOUBTED, PEER_FOUND_WRONG))
# The rule under which a sign of coercion is reviewed; the sign counts until then.
COERCED = "coerced"
# The rule under which a person decides on reports beyond the blocks that an organisation causes in an hour; until then
# they count, and raise a value to ``warn`` at most.
MANY_BLOCKS = "many-blocks"
_COUNT_MEANWHILE = frozenset((COERCED, MANY_BLOCKS))
# The rule under which the operator decides whether the provider sees a report that asks to keep it from the provider.
WITHHELD = "withheld-from-keeper"
# The rule for dual control over a conflict between the provider's finding and a later report by authority.
CONTRADICTED = "keeper-contradicted"
_WITHHELD_MARK = "#keeper"
_CONTRADICTED_MARK = "#answer"

_NO_ORIGINS: frozenset[str] = frozenset()
_NO_AUDIENCE = Audience()


class JudgeStanding(IntEnum):
    """The standing of a partner that judges what others report of a value.

    ``DECIDES``: it has authority for the kind, is the account's provider, or is trusted. ``WITH``: it reports the
    value, or reads a collection, other than ``public``, that may list it. ``WITHOUT``: it reads the value only in
    ``public``. ``SETTLED``: a person had upheld the value before this opinion arrived, and reviews it again.
    """

    SETTLED = 0
    WITHOUT = 1
    WITH = 2
    DECIDES = 3


class Statement(NamedTuple):
    """One partner's latest report of the value, and the audience that may see it; ``key`` is its key in the inbox.

    ``tlp`` is the level that applies to it. ``origins`` are the ids under which a forwarded report was first known;
    empty for the partner's own. ``new``: the partner is a newcomer, whose report alone blocks nothing. ``passed_on``:
    the maker of the object is not a partner.

    ``hub`` is the origin of a reporter entry in another hub's hub report, "" for reports of this hub's own partners.
    ``most`` is the strongest grade that the statement raises the value to, None for any. ``as_one``: all that the
    origin reports counts as one organisation; ``linked`` is then the organisation of the entry, if it is known at
    several hubs. ``second_hand``: the report was made from other reports elsewhere. ``unsure``: without a second
    organisation it raises the value to ``warn`` at most.
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
    hub: str = ""
    most: Action | None = None
    as_one: bool = False
    linked: str = ""
    second_hand: bool = False
    unsure: bool = False

    @property
    def object_id(self) -> str:
        """Return the id of the indicator itself."""
        return self.key.rpartition("/")[2]

    @property
    def sources(self) -> frozenset[str]:
        """Return the ids of the objects that it passes on, and its own id if another made the object."""
        return self.origins | {self.object_id} if self.passed_on else self.origins


@dataclass(frozen=True, slots=True)
class SightingStatement:
    """One partner's sighting of the value, and the audience that may see it; ``key`` is its key in the inbox.

    ``count`` 0 means that the partner looked for the value and did not see it. ``counts`` is true if the partner has
    standing. ``hub`` is as in a statement.
    """

    partner: Partner
    first: datetime | None
    last: datetime | None
    count: int = 1
    key: str = ""
    audience: Audience = _NO_AUDIENCE
    counts: bool = True
    hub: str = ""


class OpinionStatement(NamedTuple):
    """One partner's outcome or opinion of the value, and the audience that may see it; ``key`` is its key in the inbox.

    ``standing`` is the partner's standing, ``record`` its own reliability for the kind, ``reference`` its own reference
    for the statement. ``hub`` is as in a statement.
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
    hub: str = ""

    @property
    def said_by(self) -> str:
        """Return the name of the partner, or of the hub whose partner it is."""
        return self.hub or self.partner.name

    @property
    def doubt(self) -> Doubt | None:
        """Return the doubt that it expresses, if any."""
        return confidence.doubt(self.outcome, self.opinion, self.reason)


class ProviderFinding(NamedTuple):
    """The provider's latest finding on the value; ``key`` is its key in the inbox.

    ``added`` is when the hub received it (microseconds), None if it is being contributed now. ``hub`` is as in a
    statement. ``reference`` is the provider's own reference for it.
    """

    partner: Partner
    code: QualificationCode
    at: datetime
    key: str
    added: int | None = None
    hub: str = ""
    reference: str | None = None

    @property
    def said_by(self) -> str:
        """Return the name of the provider, or of the hub that passes on its finding."""
        return self.hub or self.partner.name

    @property
    def effect(self) -> QualificationEffect:
        """Return its effect on the listings of the value."""
        return FINDINGS[self.code]

    def is_after(self, added: int | None) -> bool:
        """Return whether it is later than something received at ``added``; False if ``added`` is None."""
        return added is not None and (self.added is None or self.added > added)


class HubStatements(NamedTuple):
    """The parts of other hubs' hub reports about one value, as this hub counts them.

    ``findings`` are those of providers in the countries of their origins. ``decisions`` are the decisions of hubs that
    the listing was wrong; each is an opinion too. ``spared``: a hub protects the holder, who acts under coercion.
    ``signs`` are the keys of statements of it without enough weight.
    """

    statements: Sequence[Statement] = ()
    sightings: Sequence[SightingStatement] = ()
    opinions: Sequence[OpinionStatement] = ()
    findings: Sequence[ProviderFinding] = ()
    decisions: Sequence[OpinionStatement] = ()
    spared: bool = False
    signs: frozenset[str] = frozenset()


@dataclass
class ReportedValue:
    """A value with all statements about it.

    ``ids`` are the keys of all reports that name it, and the ids of its listings. ``listed`` are these ids by track,
    the oldest first. The track is "" for the shared collections, or the name of the partner that has the private
    collection.

    ``disputed``: a trusted partner calls the listing a false positive, and no person has reviewed it yet. ``coerced``:
    a partner with standing reports that the holder acts under coercion. ``signs`` are the keys of reports that say so
    without standing. ``settled`` is when a person last upheld the value against doubts (microseconds). ``answer`` is
    the provider's finding, ``ended`` the reports that it ended; ``found_here`` is the finding reported at this hub.
    ``findings`` are all current ones, of this hub and of others. ``mentions`` are the keys of all contributions that
    refer to its reports or listings. ``decisions`` are those of other hubs that the listing was wrong.
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
    answer: ProviderFinding | None = None
    found_here: ProviderFinding | None = None
    findings: Sequence[ProviderFinding] = ()
    ended: list[Statement] = field(default_factory=list)
    mentions: Sequence[str] = ()
    decisions: Sequence[OpinionStatement] = ()

    @property
    def own(self) -> list[Statement]:
        """Return the reports of this hub's own partners."""
        return [statement for statement in self.statements if not statement.hub]

    @cached_property
    def listings(self) -> frozenset[str]:
        """Return the ids of all listings that the value has or had."""
        return frozenset(listings.all_of(self.listed))

    @property
    def doubts(self) -> list[OpinionStatement]:
        """Return the opinions against the value that no person has answered."""
        return [opinion for opinion in self.opinions if opinion.doubt is not None]

    @property
    def is_cleared(self) -> bool:
        """Return whether its provider's finding clears it."""
        return self.answer is not None and self.answer.effect.clears

    @property
    def counting_sightings(self) -> list[SightingStatement]:
        """Return the sightings by partners with standing."""
        return [sighting for sighting in self.sightings if sighting.counts]

    @property
    def is_one_report(self) -> bool:
        """Return whether one partner's report is the only statement about it."""
        more = self.sightings or self.opinions or self.disputed or self.answer
        return len(self.statements) == 1 and not more

    @property
    def kind(self) -> str:
        """Return the kind of the value."""
        return self.subject.partition(":")[0]


def withheld_id(key: str) -> str:
    """Return the id of the review that decides whether the provider sees the report with that key."""
    return key + _WITHHELD_MARK


def contradicted_id(listing: str) -> str:
    """Return the id of the review of the provider's finding on a listing. Reviews of doubts have the listing's
    own id.
    """
    return listing + _CONTRADICTED_MARK


def reported_by(review_id: str) -> str:
    """Return the key of the contribution that a review is about, for reviews of withheld reports and of ends."""
    return held_ends.key_of(review_id.removesuffix(_WITHHELD_MARK))


def is_published_meanwhile(review: Review) -> bool:
    """Return whether the object counts while its review is open.

    A sign of coercion protects a person at once. A report beyond the usual number of blocks warns at once.
    """
    return review.state == "open" and review.rule in _COUNT_MEANWHILE


def is_open_burst(review: Review | None) -> bool:
    """Return whether a person has yet to decide on a report beyond the blocks that an organisation causes."""
    return review is not None and review.state == "open" and review.rule == MANY_BLOCKS


def indicator_subject(obj: Mapping[str, Any]) -> str | None:
    """Return the subject of an indicator's single value, None unless the indicator names exactly one."""
    try:
        return _subject_of_pattern(obj["pattern"])
    except (KeyError, TypeError):
        return None


@lru_cache(maxsize=2048)
def _subject_of_pattern(text: str) -> str | None:
    """Return the subject of a pattern from a cache: a retraction asks for that of each report several times."""
    try:
        mapper, normal = kinds.read(report_reader.with_own_names(pattern.read(text)))
    except (Rejected, KeyError, TypeError):
        return None
    return value_index.subject_of(mapper.kind, normal.value)


def read_answer(obj: Mapping[str, Any]) -> Qualification | None:
    """Return the provider's finding on a value, None if its form is unknown here."""
    try:
        found = from_stix(annotation.rebuild(obj, audience.effective_tlp(obj)).obj)[0]
    except Rejected:
        return None
    return found if isinstance(found, Qualification) else None


def read_annotation(obj: Mapping[str, Any], partner: Partner) -> SightingStatement | OpinionStatement | None:
    """Return the statement of a sighting or an opinion, None if its form is unknown here.

    If its sharing limits cannot be read, its form is unknown: the hub could not observe them.
    """
    try:
        extension.sharing(obj)
        # Read it as published, so that properties of unknown form do not affect the others.
        record = from_stix(annotation.rebuild(obj, audience.effective_tlp(obj)).obj)[0]
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
