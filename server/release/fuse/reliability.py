"""How right a partner has been, as its reliability: from what became of the values it reported, by kind of value."""

from collections.abc import Callable, Iterable, Sequence

from schemas.partner import Partner
from schemas.vocabulary import OutcomeWord
from server.release.fuse.confidence import NEWCOMER, weight
from server.release.fuse.grade import has_authority
from server.release.fuse.statements import OpinionStatement, Statement
from server.store.reputation import Calibration, JudgedReport

# As if each partner had reported that often before, and been as reliable as a newcomer is held to be.
BEFORE = 10
# What one organisation's word adds to the record of a partner at most, over all time: that of so many sure reports.
MOST_BY_ONE = 5
_RIGHT = frozenset({OutcomeWord.BLOCKED, OutcomeWord.TAKEN_DOWN, OutcomeWord.FUNDS_HELD})


def reliability(known: Calibration) -> float:
    """Give the reliability, 0 to 1, that follows from what is known of a partner's reports of one kind.

    A report that proved right counts as far as it was sure, and never lowers it: who said 15 and was right gains
    little, who said 90 much. One that proved wrong costs as far as it was sure, and more than that where it was surer.
    """
    earned = BEFORE * NEWCOMER + known.credit - known.loss
    return round(min(max(earned / (BEFORE + known.credit + known.debit), 0.0), 1.0), 2)


def record(reliable: float) -> float:
    """Give the weight, 0 to 1, of the word of a judge of that reliability; a newcomer's counts in full."""
    return min(reliable / NEWCOMER, 1.0)


def verdicts(
    said: Iterable[Statement],
    before: Sequence[OpinionStatement],
    after: Sequence[OpinionStatement],
    reliable: Callable[[Partner], float] = lambda _: NEWCOMER,
) -> list[JudgedReport]:
    """Give which reports of a value proved right, by judgements that said less ``before`` than ``after``.

    However many agree, a report proves right once. ``reliable`` gives the reliability of a judge.
    """
    found = []
    for each in said:
        judge = confirmed_by(each.partner, after)
        if judge is not None and confirmed_by(each.partner, before) is None:
            weighed = record(reliable(judge))
            found.append(
                JudgedReport(
                    each.partner.name, each.report.kind, stated(each), True, judge.counts_as, round(weighed, 3)
                )
            )
    return found


def confirmed_by(reporter: Partner, judged: Iterable[OpinionStatement]) -> Partner | None:
    """Give who, of another organisation than the reporter, was the first to act on it; None where nobody did.

    That it was wrong is for a person to say: no partner's word alone counts against another's record.
    """
    acted = [
        judgement
        for judgement in judged
        if judgement.outcome in _RIGHT and judgement.partner.counts_as != reporter.counts_as
    ]
    first = min(acted, key=lambda judgement: (judgement.at, judgement.partner.identity), default=None)
    return first.partner if first else None


def stated(said: Statement) -> float:
    """Give the confidence, 0 to 1, that a report states, or is taken to."""
    return weight(said.report.confidence, NEWCOMER, authority=has_authority(said.partner, said.report))
