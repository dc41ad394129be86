"""What partners say of one value: reports, sightings, and judgements of what others say."""

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import NamedTuple

from schemas.partner import Partner
from schemas.report import Report
from schemas.vocabulary import OpinionWord, OutcomeWord
from server.release.fuse import confidence
from server.release.fuse.confidence import NEWCOMER, Doubt

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


class Said(NamedTuple):
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
class Seen:
    """One partner's sighting of the value; ``count`` 0 says that it was looked for and not seen."""

    partner: Partner
    first: datetime | None
    last: datetime | None
    count: int = 1


class Judged(NamedTuple):
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
