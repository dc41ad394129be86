"""Who is new here, so that its word alone blocks nothing yet."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from schemas.partner import Partner
from server.store.reputation import ReportTotals
from server.store.times import moment

# One organisation alone cannot vouch for another.
_LEAST_JUDGES = 2


class NewcomerRule(NamedTuple):
    """Until when an organisation is new: ``days`` from its registration, or until ``outcomes`` reports were right.

    With 0 days nobody is new; with 0 outcomes nobody ends being new sooner.
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

        ``registered`` says by name since when each is registered (microseconds), ``totals`` what its reports came to.
        """
        if not self.days:
            return frozenset()
        since: dict[str, int] = {}
        proved: dict[str, ReportTotals] = {}
        for partner in (partners := list(partners)):
            key, first = partner.counts_as, registered[partner.name]
            since[key] = min(since.get(key, first), first)
            proved[key] = proved.get(key, ReportTotals()).plus(totals.get(partner.name, ReportTotals()))
        oldest = at - timedelta(days=self.days)
        return frozenset(
            partner.name
            for partner in partners
            if moment(since[partner.counts_as]) > oldest and not self._vouched(proved[partner.counts_as])
        )

    def _vouched(self, total: ReportTotals) -> bool:
        enough = total.right - total.wrong >= self.outcomes
        return bool(self.outcomes) and enough and len(total.judges) >= _LEAST_JUDGES
