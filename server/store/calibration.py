"""How right each partner has been, by kind of value: what its reliability is computed from."""

from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import delete, insert, select

from server.store.store import Tx
from server.store.tables_of_rules import calibration


class Verdict(NamedTuple):
    """What came out about one report: the confidence that was stated (0 to 1), and whether it was right."""

    partner: str
    kind: str
    stated: float
    right: bool


class Calibration(NamedTuple):
    """Reports that proved right and wrong, and the sum of (stated confidence - outcome) squared over ``judged``."""

    confirmed: int = 0
    wrong: int = 0
    brier_sum: float = 0.0
    judged: int = 0

    @property
    def brier(self) -> float | None:
        """Give the Brier score, from 0 (always right and sure of it) to 1; None where nothing is known."""
        return self.brier_sum / self.judged if self.judged else None


def note(tx: Tx, verdicts: Iterable[Verdict]) -> None:
    """Add to what is known of how right partners are."""
    gathered: dict[tuple[str, str], Calibration] = {}
    for each in verdicts:
        had = gathered.get((each.partner, each.kind), Calibration())
        gathered[each.partner, each.kind] = _with(had, each)
    known = calibration.c
    for (partner, kind), new in sorted(gathered.items()):
        mine = (known.partner == partner, known.kind == kind)
        row = tx.execute(select(*_COLUMNS).where(*mine).with_for_update()).first()
        total = [had + more for had, more in zip(row or Calibration(), new, strict=True)]
        tx.execute(delete(calibration).where(*mine))
        said = dict(zip(Calibration._fields, total, strict=True))
        tx.execute(insert(calibration).values(partner=partner, kind=kind, **said))


def every(tx: Tx) -> dict[tuple[str, str], Calibration]:
    """Give by partner and kind what is known; there are as many as partners and kinds, however much they report."""
    return {(row[0], row[1]): Calibration(*row[2:]) for row in tx.execute(_EVERY)}


def _with(had: Calibration, said: Verdict) -> Calibration:
    return Calibration(
        had.confirmed + said.right,
        had.wrong + (not said.right),
        had.brier_sum + (said.stated - said.right) ** 2,
        had.judged + 1,
    )


_COLUMNS = (calibration.c.confirmed, calibration.c.wrong, calibration.c.brier_sum, calibration.c.judged)
_EVERY = select(calibration.c.partner, calibration.c.kind, *_COLUMNS)
