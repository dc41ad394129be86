"""Reputation: the number of correct and wrong reports of each partner, by kind of value and by judge.

A partner's reliability is computed from it.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from sqlalchemy import case, func, select, text

from server.store.database import fact_versions
from server.store.database.engine import Tx
from server.store.release_tables import calibrations

# The judge name for decisions by a person at this hub.
HUB = ""
_NOTHING: Mapping[str, int] = MappingProxyType({})


class JudgedReport(NamedTuple):
    """A judged report: its stated confidence (0 to 1), and whether it was correct.

    ``judge`` is the organisation that confirmed it. ``weight``, 0 to 1, is the reliability of that organisation.
    """

    partner: str
    kind: str
    stated: float
    right: bool
    judge: str = HUB
    weight: float = 1.0


class Calibration(NamedTuple):
    """Numbers of correct and wrong reports, and the sum of (stated confidence - outcome) squared over all of them.

    ``credit`` is the sum of the stated confidence of the correct ones, each by the weight of its judge. ``debit`` and
    ``loss`` are the sums of the stated confidence of the wrong ones, and of its square.
    """

    confirmed: int = 0
    wrong: int = 0
    brier_sum: float = 0.0
    credit: float = 0.0
    debit: float = 0.0
    loss: float = 0.0

    @property
    def brier(self) -> float | None:
        """The Brier score, from 0 (always right with full confidence) to 1; None before any report was judged."""
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
    """The correct reports of all kinds by judge, and the number of wrong reports."""

    confirmed: Mapping[str, int] = _NOTHING
    wrong: int = 0

    @property
    def right(self) -> int:
        """The number of correct reports, over all judges."""
        return sum(self.confirmed.values())

    def plus(self, other: "ReportTotals") -> "ReportTotals":
        """Return the sum of two totals."""
        judges = self.confirmed.keys() | other.confirmed.keys()
        confirmed = {judge: self.confirmed.get(judge, 0) + other.confirmed.get(judge, 0) for judge in judges}
        return ReportTotals(confirmed, self.wrong + other.wrong)


def of_hub(origin: str) -> str:
    """Return the name under which the reports of another hub's partners are counted; no partner has such a name."""
    return f"hub:{origin}"


def add(tx: Tx, verdicts: Iterable[JudgedReport]) -> None:
    """Add judged reports to their partners' calibrations.

    Call it once per transaction, because it locks rows of partners that other transactions also judge.
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
    """Return the calibrations by partner and kind, limiting the credit from any one judge to ``most_by_one``.

    Credit from the hub itself has no limit.
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
        total = ReportTotals({judge: int(right)} if right else _NOTHING, int(wrong))
        found[partner] = found.get(partner, ReportTotals()).plus(total)
    return found


_NAMES = ("partner", "kind", "judge", *Calibration._fields)
# Concurrent judgements of one partner's reports are both added.
_ADD = text(
    f"INSERT INTO calibrations ({', '.join(_NAMES)}) VALUES ({', '.join(f':{name}' for name in _NAMES)})"  # noqa: S608
    " ON CONFLICT (partner, kind, judge) DO UPDATE SET "
    + ", ".join(f"{name} = calibrations.{name} + excluded.{name}" for name in Calibration._fields)
)
