"""How right each partner has been, by kind of value and by whose word: what its reliability is computed from."""

from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import case, delete, func, insert, select

from server.store.engine import Tx
from server.store.release_tables import calibrations

# The judge of what a person at this hub decides.
HUB = ""


class JudgedReport(NamedTuple):
    """What came out about one report: the confidence that was stated (0 to 1), and whether it was right.

    ``judge`` is the organisation by whose word it was right, ``weight``, 0 to 1, how far that word is relied on.
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
        """Give the Brier score, from 0 (always right and sure of it) to 1; None where nothing is known."""
        judged = self.confirmed + self.wrong
        return self.brier_sum / judged if judged else None

    def with_(self, said: JudgedReport) -> "Calibration":
        """Give what is known after one more verdict."""
        return Calibration(
            self.confirmed + said.right,
            self.wrong + (not said.right),
            self.brier_sum + (said.stated - said.right) ** 2,
            self.credit + said.right * said.weight * said.stated,
            self.debit + (not said.right) * said.stated,
            self.loss + (not said.right) * said.stated**2,
        )


class ReportTotals(NamedTuple):
    """How many reports of all kinds proved right and wrong, and by whose word right."""

    right: int = 0
    wrong: int = 0
    judges: frozenset[str] = frozenset()

    def plus(self, other: "ReportTotals") -> "ReportTotals":
        """Give the sum of two."""
        return ReportTotals(self.right + other.right, self.wrong + other.wrong, self.judges | other.judges)


def add(tx: Tx, verdicts: Iterable[JudgedReport]) -> None:
    """Add to what is known of how right partners are."""
    gathered: dict[tuple[str, str, str], Calibration] = {}
    for verdict in verdicts:
        key = (verdict.partner, verdict.kind, verdict.judge)
        gathered[key] = gathered.get(key, Calibration()).with_(verdict)
    known = calibrations.c
    for (partner, kind, judge), new in sorted(gathered.items()):
        mine = (known.partner == partner, known.kind == kind, known.judge == judge)
        row = tx.execute(select(*_COLUMNS).where(*mine).with_for_update()).first()
        total = [had + more for had, more in zip(row or Calibration(), new, strict=True)]
        tx.execute(delete(calibrations).where(*mine))
        said = dict(zip(Calibration._fields, total, strict=True))
        tx.execute(insert(calibrations).values(partner=partner, kind=kind, judge=judge, **said))


def calibrations_of(tx: Tx, most_by_one: float) -> dict[tuple[str, str], Calibration]:
    """Give by partner and kind what is known, with a credit of ``most_by_one`` at most by the word of any one judge.

    The hub's own word is not bounded.
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
    """Give by partner what its reports of all kinds came to."""
    known = calibrations.c
    sums = select(known.partner, known.judge, func.sum(known.confirmed), func.sum(known.wrong))
    found: dict[str, ReportTotals] = {}
    for partner, judge, right, wrong in tx.execute(sums.group_by(known.partner, known.judge)):
        total = ReportTotals(int(right), int(wrong), frozenset({judge} if right else ()))
        found[partner] = found.get(partner, ReportTotals()).plus(total)
    return found


_COLUMNS = tuple(calibrations.c[name] for name in Calibration._fields)
