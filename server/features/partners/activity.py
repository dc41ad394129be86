"""Recent activity of partners: their last contact, their contributions, and how many of these proved right."""

from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import func, select

from server.store import quotas, reputation
from server.store.database.engine import Tx
from server.store.release_tables import volumes
from server.store.tables import read_positions

DAYS = 30
_DAY = 86_400 * 1_000_000


class PartnerActivity(NamedTuple):
    """When a partner last read or contributed (microseconds, of a contribution the day), and its last 30 days.

    ``right`` and ``wrong`` are its judged reports of all time.
    """

    read: int | None = None
    contributed: int | None = None
    received: int = 0
    held: int = 0
    right: int = 0
    wrong: int = 0

    @property
    def last(self) -> int | None:
        """The last contact."""
        return max(filter(None, (self.read, self.contributed)), default=None)

    @property
    def judged(self) -> int:
        """The number of judged reports."""
        return self.right + self.wrong

    @property
    def share(self) -> float | None:
        """The share of the judged reports that proved right."""
        return self.right / self.judged if self.judged else None


NOTHING = PartnerActivity()


def activities(tx: Tx, names: Collection[str], moment: int) -> dict[str, PartnerActivity]:
    """Return the activity of partners, by name; each of some queries is for all of them."""
    since, wanted = quotas.day_of(moment) - DAYS + 1, list(names)
    r, v = read_positions.c, volumes.c
    asked = select(r.partner, func.max(r.asked)).where(r.partner.in_(wanted)).group_by(r.partner)
    reads = {str(name): int(at) for name, at in tx.execute(asked)}
    last_days = select(v.partner, func.max(v.day)).where(v.partner.in_(wanted), v.received > 0).group_by(v.partner)
    days = {str(name): int(day) for name, day in tx.execute(last_days)}
    sums = select(v.partner, func.sum(v.received), func.sum(v.held)).where(v.partner.in_(wanted), v.day >= since)
    counts = {name: (int(received), int(held)) for name, received, held in tx.execute(sums.group_by(v.partner))}
    judged: dict[str, tuple[int, int]] = {}
    for (name, _), found in reputation.calibrations_of(tx, 0.0).items():
        right, wrong = judged.get(name, (0, 0))
        judged[name] = right + found.confirmed, wrong + found.wrong
    return {
        name: PartnerActivity(
            reads.get(name),
            days[name] * _DAY if name in days else None,
            *counts.get(name, (0, 0)),
            *judged.get(name, (0, 0)),
        )
        for name in wanted
    }
