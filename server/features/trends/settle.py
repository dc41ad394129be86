"""The figures counted later: when listings were first read, whether delisted ones were wrong, and whether
readers know.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Self

from schemas.site import names_of
from schemas.vocabulary import SAYS_WRONG
from server.features.trends import figures, pending
from server.features.trends.counts import FigureTally
from server.features.trends.figures import Dimension
from server.features.trends.pending import TO_BE_KNOWN, TO_JUDGE, Delisting, Unread
from server.release.route.policy import PUBLIC
from server.store import collections, listings, retractions, reviews
from server.store.database.engine import Tx
from server.store.partners import Registry
from server.store.providers import kept_accounts
from server.store.reviews import Review

_MOST = 1_000
# A read shortly before a delisting is recorded shortly after it; until then the set of informed readers is incomplete.
LATE = 11 * 60 * 1_000_000
# The retention time of first reads.
_UNREAD_FOR = 400 * 86_400 * 1_000_000
_OPERATOR = "operator"
OBJECTION = "objection"


@dataclass(slots=True)
class Settlement:
    """The result of a settling step: the rows that are done, and whether there may be ``more`` of them."""

    step: int
    read: list[Unread] = field(default_factory=list)
    looked_at: list[Delisting] = field(default_factory=list)
    is_news: bool = False
    more: bool = False

    def __bool__(self) -> bool:
        """Return whether anything is to be written."""
        return bool(self.read) or self.is_news or len(self.looked_at) == _MOST

    def write(self, tx: Tx) -> None:
        """Remove the settled rows."""
        pending.forget_unread(tx, self.read)
        pending.save_delistings(tx, self.looked_at, self.step)


def settle(
    tx: Tx,
    logs: Mapping[int, Sequence[str]],
    registry: Registry,
    tally: FigureTally,
    step: int,
    moment: int,
    late: int = LATE,
) -> Settlement:
    """Count the rows that can be counted now; ``logs`` are the ids of the collections that read each log, by its
    number.
    """
    settled = Settlement(step + 1)
    for log, ids in logs.items():
        _settle_unread(tx, log, ids, tally, settled, moment)
    found = pending.delistings(tx, moment - late, _MOST)
    if found:
        _settle_delistings(tx, found, logs, registry, tally, settled, moment)
    return settled


def _settle_unread(tx: Tx, log: int, ids: Iterable[str], tally: FigureTally, settled: Settlement, moment: int) -> None:
    rows = pending.unread(tx, log, _MOST)
    if not rows:
        return
    reads = [pending.reads_from(tx, id_, rows[0].added * 1000, _MOST) for id_ in ids]
    before = len(settled.read)
    for row in rows:
        added = row.added * 1000
        first = [of_one[place][1] for of_one in reads if (place := bisect_left(of_one, (added,))) < len(of_one)]
        if first:
            at = min(first)
            kind = {Dimension.KIND: (row.kind,)}
            tally.time(figures.TO_READ.name, moment, at - added, kind, _reporters(row), row.number)
            settled.read.append(row)
        elif row.added * 1000 < moment - _UNREAD_FOR:
            settled.read.append(row)
    settled.more |= len(settled.read) - before == _MOST


def _settle_delistings(
    tx: Tx,
    found: Sequence[Delisting],
    logs: Mapping[int, Sequence[str]],
    registry: Registry,
    tally: FigureTally,
    settled: Settlement,
    moment: int,
) -> None:
    judgement = _Judgement.of(tx, found)
    known = {
        log: pending.known_by(tx, ids, [row.object_id for row in found if row.log == log]) for log, ids in logs.items()
    }
    for row in found:
        left = row.open
        if left & TO_JUDGE and not judgement.is_open(row):
            left &= ~TO_JUDGE
            if judgement.was_wrong(row):
                _count_wrong(row, judgement.noticed_by(row, registry), tally, moment)
        told = known.get(row.log, {}).get(row.object_id)
        if left & TO_BE_KNOWN and (told is None or not told.waiting):
            left &= ~TO_BE_KNOWN
            if told is not None and told.micros is not None:
                tally.time(figures.TO_ALL.name, moment, told.micros, {Dimension.KIND: (row.kind,)}, _reporters(row))
        settled.is_news |= left != row.open
        settled.looked_at.append(row._replace(open=left))
    settled.more |= settled.is_news and len(found) == _MOST


@dataclass(frozen=True, slots=True)
class _Judgement:
    """The facts about the values of delisted listings: their disputes, and those that the hub found wrong."""

    subjects: Mapping[str, str]
    disputes: Mapping[str, Sequence[Review]]
    found_wrong: Set[str]
    # Ids of listings that left ``public`` after an objection, and values whose provider found the listing wrong.
    objected: Set[str]
    by_provider: Mapping[str, int]

    @classmethod
    def of(cls, tx: Tx, found: Sequence[Delisting]) -> Self:
        """Read what is known of these delistings."""
        subjects = listings.subjects(tx, {row.object_id for row in found})
        names = {subject: names_of(*subject.split(":", 1)) for subject in set(subjects.values())}
        delisted = reviews.delisted_among(tx, {name for some in names.values() for name in some})
        public = [collection.id for collection in collections.all_collections(tx) if collection.alias == PUBLIC]
        return cls(
            subjects,
            reviews.of_subjects(tx, set(subjects.values())),
            {subject for subject, some in names.items() if not delisted.isdisjoint(some)},
            retractions.for_reason(tx, public, subjects, OBJECTION),
            kept_accounts.answered(tx, names, SAYS_WRONG),
        )

    def is_open(self, row: Delisting) -> bool:
        """Return whether a person still has to decide a dispute."""
        return any(review.state == "open" for review in self._disputes(row))

    def was_wrong(self, row: Delisting) -> bool:
        """Return whether the listing was found wrong after a dispute or by the hub, but not earlier by its provider."""
        subject = self.subjects.get(row.object_id, "")
        if self.by_provider.get(subject, 0) >= _entered(row):
            # Counted with the finding.
            return False
        return bool(self._rejected(row)) or subject in self.found_wrong

    def noticed_by(self, row: Delisting, registry: Registry) -> str:
        """Return the kind of the partner that disputed the listing first; if there is none, an objection or the
        operator.
        """
        rejected = self._rejected(row)
        name = rejected[0].partner if rejected else ""
        noticed = registry.partners.get(name) or registry.gone.get(name)
        if noticed is not None:
            return noticed.kind.value
        return OBJECTION if row.object_id in self.objected else _OPERATOR

    def _disputes(self, row: Delisting) -> Sequence[Review]:
        return self.disputes.get(self.subjects.get(row.object_id, ""), ())

    def _rejected(self, row: Delisting) -> list[Review]:
        return [review for review in self._disputes(row) if review.state == "rejected" and _is_after(review, row)]


def _is_after(review: Review, row: Delisting) -> bool:
    """Return whether a dispute was decided after the listing was added; an older one was about an older listing."""
    return review.decided is not None and review.decided >= _entered(row)


def _entered(row: Delisting) -> int:
    return row.revoked - row.listed


def _count_wrong(row: Delisting, noticed_by: str, tally: FigureTally, moment: int) -> None:
    words, by = {Dimension.KIND: (row.kind,), Dimension.NOTICED_BY: (noticed_by,)}, _reporters(row)
    tally.count(figures.WRONG.name, moment, words, by)
    tally.time(figures.WRONG_LISTED.name, moment, row.listed, words, by)


def _reporters(row: Delisting | Unread) -> list[str]:
    return row.organisations.split("\n") if row.organisations else []
