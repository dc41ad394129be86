"""Reputation: how many reports of each partner proved right and wrong, by kind of value and by judge.

A partner's reliability is computed from this.
"""

from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import case, func, select, text

from server.store.database import fact_versions
from server.store.database.engine import Tx
from server.store.release_tables import calibrations

# The judge where a person at this hub decides.
HUB = ""


class JudgedReport(NamedTuple):
    """A report that was judged: the confidence that was stated (0 to 1), and whether it was right.

    ``judge`` is the organisation that confirmed it, ``weight``, 0 to 1, how far that organisation is relied on.
    """

    partner: str
    kind: str
    stated: float
    right: bool
    judge: str = HUB
    weight: float = 1.0


class Calibration(NamedTuple):
    """Reports that proved right and wrong, and the sum of (stated confidence - outcome) squared over all of them.

    ``credit`` is the sum of the stated confidence of those that proved right, each by the weight of its judge;
    ``debit`` and ``loss`` are the sums of the stated confidence, and of its square, of those that proved wrong.
    """

    confirmed: int = 0
    wrong: int = 0
    brier_sum: float = 0.0
    credit: float = 0.0
    debit: float = 0.0
    loss: float = 0.0

    @property
    def brier(self) -> float | None:
        """The Brier score, from 0 (always right and sure of it) to 1; None before any report was judged."""
        judged = self.confirmed + self.wrong
        return self.brier_sum / judged if judged else None

    def with_(self, report: JudgedReport) -> "Calibration":
        """Return the sums with one more judged report."""
        return Calibration(
            self.confirmed + report.right,
            self.wrong + (not report.right),
            self.brier_sum + (report.stated - report.right) ** 2,
            self.credit + report.right * report.weight * report.stated,
            self.debit + (not report.right) * report.stated,
            self.loss + (not report.right) * report.stated**2,
        )


class ReportTotals(NamedTuple):
    """The reports of all kinds that proved right and wrong, and the judges that confirmed some."""

    right: int = 0
    wrong: int = 0
    judges: frozenset[str] = frozenset()

    def plus(self, other: "ReportTotals") -> "ReportTotals":
        """Return the sum of two."""
        return ReportTotals(self.right + other.right, self.wrong + other.wrong, self.judges | other.judges)


def add(tx: Tx, verdicts: Iterable[JudgedReport]) -> None:
    """Add judged reports to their partners' calibrations.

    A transaction does so once, as rows of partners that others judge too are locked from here to its end.
    """
    gathered: dict[tuple[str, str, str], Calibration] = {}
    for verdict in verdicts:
        key = (verdict.partner, verdict.kind, verdict.judge)
        gathered[key] = gathered.get(key, Calibration()).with_(verdict)
    if gathered:
        rows = [(*key, *sums) for key, sums in sorted(gathered.items())]
        fact_versions.note(tx, calibrations.name)
        tx.execute(_ADD, [dict(zip(_NAMES, row, strict=True)) for row in rows])


def calibrations_of(tx: Tx, most_by_one: float) -> dict[tuple[str, str], Calibration]:
    """Return the calibrations by partner and kind, with a credit of ``most_by_one`` at most from any one judge.

    Credit from the hub itself is not bounded.
    """
    known = calibrations.c
    unbounded = (known.judge == HUB) | (known.credit <= most_by_one)
    credit = func.sum(case((unbounded, known.credit), else_=most_by_one))
    sums = [credit if name == "credit" else func.sum(known[name]) for name in Calibration._fields]
    asked = select(known.partner, known.kind, *sums).group_by(known.partner, known.kind)
    return {
        (partner, kind): Calibration(int(confirmed), int(wrong), *map(float, rest))
        for partner, kind, confirmed, wrong, *rest in tx.execute(asked)
    }


def totals(tx: Tx) -> dict[str, ReportTotals]:
    """Return by partner the totals over all kinds."""
    known = calibrations.c
    sums = select(known.partner, known.judge, func.sum(known.confirmed), func.sum(known.wrong))
    found: dict[str, ReportTotals] = {}
    for partner, judge, right, wrong in tx.execute(sums.group_by(known.partner, known.judge)):
        total = ReportTotals(int(right), int(wrong), frozenset({judge} if right else ()))
        found[partner] = found.get(partner, ReportTotals()).plus(total)
    return found


_NAMES = ("partner", "kind", "judge", *Calibration._fields)
# Two who judge reports of one partner at once add both.
_ADD = text(
    f"INSERT INTO calibrations ({', '.join(_NAMES)}) VALUES ({', '.join(f':{name}' for name in _NAMES)})"  # noqa: S608
    " ON CONFLICT (partner, kind, judge) DO UPDATE SET "
    + ", ".join(f"{name} = calibrations.{name} + excluded.{name}" for name in Calibration._fields)
)
