"""Newcomers: partners whose report alone blocks nothing yet."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from schemas.partner import Partner
from server.store.reputation import ReportTotals
from server.store.times import moment

# One organisation alone cannot vouch for another.
_MIN_JUDGES = 2


class NewcomerRule(NamedTuple):
    """An organisation is new for ``days`` from its registration, or until ``outcomes`` reports proved right.

    With 0 days nobody is new; with 0 outcomes the days alone decide.
    """

    days: int = 30
    outcomes: int = 10

    def among(
        self,
        partners: Iterable[Partner],
        registered: Mapping[str, int],
        totals: Mapping[str, ReportTotals],
        at: datetime,
    ) -> frozenset[str]:
        """Return the names of the partners that are new.

        By name, ``registered`` has when each was registered (microseconds), ``totals`` the record of its reports.
        """
        if not self.days:
            return frozenset()
        since: dict[str, int] = {}
        records: dict[str, ReportTotals] = {}
        for partner in (partners := list(partners)):
            organisation, first = partner.counts_as, registered[partner.name]
            since[organisation] = min(since.get(organisation, first), first)
            records[organisation] = records.get(organisation, ReportTotals()).plus(
                totals.get(partner.name, ReportTotals())
            )
        oldest = at - timedelta(days=self.days)
        return frozenset(
            partner.name
            for partner in partners
            if moment(since[partner.counts_as]) > oldest and not self._vouched(records[partner.counts_as])
        )

    def _vouched(self, total: ReportTotals) -> bool:
        enough = total.right - total.wrong >= self.outcomes
        return bool(self.outcomes) and enough and len(total.judges) >= _MIN_JUDGES
