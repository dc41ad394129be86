"""Newcomers: partners whose report alone blocks nothing yet."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from schemas.partner import Partner
from server.store.database.times import micros
from server.store.reputation import ReportTotals

# One organisation alone cannot vouch for another.
_MIN_JUDGES = 2
_DAY = 86_400_000_000


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
        now = micros(at)
        return frozenset(name for name, ends in self.until(partners, registered, totals).items() if now < ends)

    def until(
        self, partners: Iterable[Partner], registered: Mapping[str, int], totals: Mapping[str, ReportTotals]
    ) -> dict[str, int]:
        """Return until when (microseconds) each partner that may be new is, by its name; ``among`` has the rest."""
        if not self.days:
            return {}
        since: dict[str, int] = {}
        records: dict[str, ReportTotals] = {}
        for partner in (partners := list(partners)):
            organisation, first = partner.counts_as, registered[partner.name]
            since[organisation] = min(since.get(organisation, first), first)
            records[organisation] = records.get(organisation, ReportTotals()).plus(
                totals.get(partner.name, ReportTotals())
            )
        return {
            partner.name: since[partner.counts_as] + self.days * _DAY
            for partner in partners
            if not self._vouched(records[partner.counts_as])
        }

    def _vouched(self, total: ReportTotals) -> bool:
        enough = total.right - total.wrong >= self.outcomes
        return bool(self.outcomes) and enough and len(total.judges) >= _MIN_JUDGES
