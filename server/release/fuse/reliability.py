"""The reliability of a partner: how often its reports proved right or wrong, by kind of value."""

from collections.abc import Callable, Iterable, Sequence

from schemas.partner import Partner
from schemas.vocabulary import outcomes_that
from server.release.fuse.confidence import NEWCOMER, weight
from server.release.fuse.grade import has_authority
from server.release.fuse.statements import OpinionStatement, Statement
from server.store.reputation import Calibration, JudgedReport, of_hub

# Each partner starts as if it had sent this many reports with a newcomer's reliability.
BEFORE = 10
# The most that one organisation's outcomes ever add to a partner's record: as much as this many certain reports.
MOST_BY_ONE = 5
_RIGHT = outcomes_that("confirms")


def reliability(known: Calibration) -> float:
    """Return the reliability, 0 to 1, of a partner with this record for one kind.

    A report that proved right counts by its confidence, and never lowers the reliability: 15 adds little, 90 much. A
    report that proved wrong lowers it, and more so at higher confidence.
    """
    earned = BEFORE * NEWCOMER + known.credit - known.loss
    return round(min(max(earned / (BEFORE + known.credit + known.debit), 0.0), 1.0), 2)


def record(reliable: float) -> float:
    """Return the weight, 0 to 1, of outcomes from a judge of that reliability; a newcomer's count in full."""
    return min(reliable / NEWCOMER, 1.0)


def verdicts(
    statements: Iterable[Statement],
    before: Sequence[OpinionStatement],
    after: Sequence[OpinionStatement],
    reliable: Callable[[Partner], float] = lambda _: NEWCOMER,
) -> list[JudgedReport]:
    """Return the reports of a value that proved right by the opinions ``after`` but not by those ``before``.

    A report proves right only once, however many partners agree. ``reliable`` returns the reliability of a judge.
    """
    found = []
    for statement in statements:
        judge = confirmed_by(statement.partner, after)
        if judge is not None and confirmed_by(statement.partner, before) is None:
            found.append(
                JudgedReport(
                    # Each hub keeps the records of its own partners; those of other hubs count for their hub.
                    of_hub(statement.hub) if statement.hub else statement.partner.name,
                    statement.report.kind,
                    stated(statement),
                    True,
                    judge.counts_as,
                    round(record(reliable(judge)), 3),
                )
            )
    return found


def confirmed_by(reporter: Partner, opinions: Iterable[OpinionStatement]) -> Partner | None:
    """Return the first partner of another organisation that acted on the value, if any.

    Only a person decides that a report was wrong: no partner's outcome alone counts against another's record.
    """
    acted = [
        opinion for opinion in opinions if opinion.outcome in _RIGHT and opinion.partner.counts_as != reporter.counts_as
    ]
    first = min(acted, key=lambda opinion: (opinion.at, opinion.partner.identity), default=None)
    return first.partner if first else None


def stated(statement: Statement) -> float:
    """Return the confidence, 0 to 1, that a report states, or the default if it states none."""
    authority = has_authority(statement.partner, statement.report)
    return weight(statement.report.confidence, NEWCOMER, authority=authority)
