"""How right a partner has been, as its reliability: from what became of the values it reported, by kind of value."""

from collections.abc import Iterable, Sequence

from schemas.vocabulary import Outcome
from server.release.confidence import NEWCOMER, Doubt, weight
from server.release.fuse import Judged, Said
from server.release.grade import has_authority
from server.store.calibration import Calibration, Verdict

# As if each partner had reported that often before, and been as reliable as a newcomer is held to be.
BEFORE = 10
_RIGHT = frozenset({Outcome.BLOCKED, Outcome.TAKEN_DOWN, Outcome.FUNDS_HELD})


def reliability(known: Calibration) -> float:
    """Give the reliability, 0 to 1, that follows from what is known of a partner's reports of one kind.

    A report that proved right adds 1. Each, right or wrong, takes away what it adds to the Brier score: the square of
    how far its stated confidence was from what came out.
    """
    earned = known.confirmed - known.brier_sum
    return round(min(max((BEFORE * NEWCOMER + earned) / (BEFORE + known.judged), 0.0), 1.0), 2)


def verdicts(said: Iterable[Said], before: Sequence[Judged], after: Sequence[Judged]) -> list[Verdict]:
    """Give what came out about each report of a value, where judgements said less ``before`` than ``after``.

    However many agree, a report proves right once; where it was held for right and is not, that counts too.
    """
    found = []
    for each in said:
        was, right = (came_out(each.partner.identity, judged) for judged in (before, after))
        if right is not None and right != was:
            found.append(Verdict(each.partner.name, each.report.kind, stated(each), right))
    return found


def came_out(reporter: str, judged: Iterable[Judged]) -> bool | None:
    """Tell whether others than the reporter, named by its identity, found it right; None where nobody says.

    It is wrong where a partner whose disputes are trusted says so, and right where another acted on it.
    """
    others = [each for each in judged if each.partner.identity != reporter]
    if any(_upheld(each) for each in others):
        return False
    return True if any(each.outcome in _RIGHT for each in others) else None


def stated(said: Said) -> float:
    """Give the confidence, 0 to 1, that a report states, or is taken to."""
    return weight(said.report.confidence, NEWCOMER, authority=has_authority(said.partner, said.report))


def _upheld(judged: Judged) -> bool:
    return judged.partner.trusted and judged.doubt is Doubt.DISPUTED
