"""The reliability of a partner: how often its reports proved right or wrong, by kind of value."""

from collections.abc import Callable, Iterable, Sequence

from schemas.outcomes import words_that
from schemas.partner import Partner
from server.release.fuse.confidence import NEWCOMER, weight
from server.release.fuse.grade import has_authority
from server.release.fuse.statements import OpinionStatement, Statement
from server.store.reputation import Calibration, JudgedReport

# Each partner starts as if it had sent so many reports, and been as reliable as a newcomer.
BEFORE = 10
# The most that one organisation's outcomes add to a partner's record, over all time: that of so many sure reports.
MOST_BY_ONE = 5
_RIGHT = words_that("confirms")


def reliability(known: Calibration) -> float:
    """Return the reliability, 0 to 1, of a partner with this record of one kind.

    A report that proved right counts by its confidence, and never lowers the reliability: 15 gains little, 90 much.
    One that proved wrong costs by its confidence, and more where that was higher.
    """
    earned = BEFORE * NEWCOMER + known.credit - known.loss
    return round(min(max(earned / (BEFORE + known.credit + known.debit), 0.0), 1.0), 2)


def record(reliable: float) -> float:
    """Return the weight, 0 to 1, of the outcomes of a judge of that reliability; a newcomer's count in full."""
    return min(reliable / NEWCOMER, 1.0)


def verdicts(
    statements: Iterable[Statement],
    before: Sequence[OpinionStatement],
    after: Sequence[OpinionStatement],
    reliable: Callable[[Partner], float] = lambda _: NEWCOMER,
) -> list[JudgedReport]:
    """Return which reports of a value proved right by the opinions ``after`` that had not by those ``before``.

    However many partners agree, a report proves right once. ``reliable`` returns the reliability of a judge.
    """
    found = []
    for statement in statements:
        judge = confirmed_by(statement.partner, after)
        if judge is not None and confirmed_by(statement.partner, before) is None:
            found.append(
                JudgedReport(
                    statement.partner.name,
                    statement.report.kind,
                    stated(statement),
                    True,
                    judge.counts_as,
                    round(record(reliable(judge)), 3),
                )
            )
    return found


def confirmed_by(reporter: Partner, opinions: Iterable[OpinionStatement]) -> Partner | None:
    """Return the first partner of another organisation that acted on the value, None where nobody did.

    Only a person decides that a report was wrong: no partner's outcome alone counts against another's record.
    """
    acted = [
        opinion for opinion in opinions if opinion.outcome in _RIGHT and opinion.partner.counts_as != reporter.counts_as
    ]
    first = min(acted, key=lambda opinion: (opinion.at, opinion.partner.identity), default=None)
    return first.partner if first else None


def stated(statement: Statement) -> float:
    """Return the confidence, 0 to 1, that a report states, or counts as where it states none."""
    authority = has_authority(statement.partner, statement.report)
    return weight(statement.report.confidence, NEWCOMER, authority=authority)
