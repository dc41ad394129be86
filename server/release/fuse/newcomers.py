"""Newcomers: organisations without a record. They block nothing and list few values a day without a review."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from itertools import accumulate
from typing import NamedTuple

from schemas.partner import Partner
from server.store.database.times import micros
from server.store.reputation import HUB, ReportTotals

# A single organisation cannot vouch for another, unless the other has been here long.
_MIN_JUDGES = 2
_DAY = 86_400_000_000
# Later than any moment.
NEVER = 2**63 - 1


class NewcomerRule(NamedTuple):
    """The rule by which an organisation is new until it has a record (docs/standing.md).

    It has one at once if the operator vouches for it, or if ``outcomes`` more of its reports proved right than wrong,
    in the judgement of two others. ``days`` after its registration, it has one if more proved right than wrong, in the
    judgement of one other. Only organisations with a record judge, so newcomers cannot make a record for each other.
    With 0 outcomes only the days decide; with 0 days no organisation is new. A new organisation lists ``values`` new
    values a day, ``public_values`` of them in ``public``, and more after a review; 0 means no limit.
    """

    days: int = 30
    outcomes: int = 10
    values: int = 200
    public_values: int = 20

    def among(
        self,
        partners: Iterable[Partner],
        registered: Mapping[str, int],
        totals: Mapping[str, ReportTotals],
        at: datetime,
    ) -> frozenset[str]:
        """Return the names of the partners that are new.

        By partner name, ``registered`` is the time of registration (microseconds) and ``totals`` the record of its
        reports.
        """
        now = micros(at)
        return frozenset(name for name, ends in self.until(partners, registered, totals).items() if now < ends)

    def until(
        self, partners: Iterable[Partner], registered: Mapping[str, int], totals: Mapping[str, ReportTotals]
    ) -> dict[str, int]:
        """Return, by name, until when (microseconds) each partner that may be new is new. For parameters see
        ``among``.
        """
        if not self.days:
            return {}
        since: dict[str, int] = {}
        records: dict[str, ReportTotals] = {}
        vouched: set[str] = set()
        for partner in (partners := list(partners)):
            organisation, first = partner.counts_as, registered[partner.name]
            since[organisation] = min(since.get(organisation, first), first)
            records[organisation] = records.get(organisation, ReportTotals()).plus(
                totals.get(partner.name, ReportTotals())
            )
            if partner.is_vouched:
                vouched.add(organisation)
        ends = self._ends(since, records, vouched)
        return {partner.name: ends[partner.counts_as] for partner in partners if ends[partner.counts_as]}

    def _ends(
        self, since: Mapping[str, int], records: Mapping[str, ReportTotals], vouched: set[str]
    ) -> Mapping[str, int]:
        """Return, by organisation, when it has a record; 0 means at once.

        Records depend on the records of the judges: start with the organisations that the operator vouches for, and
        repeat until no record changes.
        """
        ends = {organisation: 0 if organisation in vouched else NEVER for organisation in since}
        changes = True
        while changes:
            changes = False
            for organisation, known in ends.items():
                found = self._end(since[organisation] + self.days * _DAY, records[organisation], ends)
                if found < known:
                    ends[organisation], changes = found, True
        return ends

    def _end(self, by_age: int, total: ReportTotals, ends: Mapping[str, int]) -> int:
        """Return when an organisation has a record, judged by others whose own records begin at ``ends``."""
        if not self.outcomes:
            return by_age
        # A person at the hub needs no record.
        judged = sorted(
            (0 if judge == HUB else ends.get(judge, NEVER), right) for judge, right in total.confirmed.items()
        )
        found = NEVER
        for judges, (begins, right) in enumerate(
            zip((begins for begins, _ in judged), accumulate(right for _, right in judged), strict=True), 1
        ):
            if begins < NEVER and right > total.wrong:
                found = min(found, max(begins, by_age))
            if begins < NEVER and judges >= _MIN_JUDGES and right - total.wrong >= self.outcomes:
                found = min(found, begins)
        return found
