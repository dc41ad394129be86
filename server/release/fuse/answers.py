"""The effect of the provider's finding on the consensus: what it confirms, and the strongest grade that it leaves."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from schemas.report import Report
from schemas.vocabulary import Action
from server.release.fuse import grade
from server.release.fuse.statements import ProviderFinding, Statement

_MOMENT = timedelta(milliseconds=1)
_STRENGTH = {action: place for place, action in enumerate(Action)}


def most_protective(findings: Sequence[ProviderFinding]) -> ProviderFinding:
    """Return the finding that protects the holder most: one that clears, then one that confirms nothing.

    Of equal ones, the finding of this hub's own partner counts, then the latest.
    """
    return max(
        findings,
        key=lambda found: (
            found.effect.clears,
            not found.effect.confirms,
            -1 if found.effect.most is None else _STRENGTH[found.effect.most],
            not found.hub,
            found.at,
            found.hub,
        ),
    )


def strongest_left(
    answer: ProviderFinding | None, statements: Sequence[Statement], at: datetime, *, disputed: bool = False
) -> Action | None:
    """Return the strongest grade that the finding leaves, None if it sets no limit.

    A hold by authority for the kind stays until its own end, regardless of the finding: the account is held, and
    disputed. ``disputed``: a trusted partner calls it a false positive.
    """
    most = Action.INVESTIGATE if disputed else answer.effect.most if answer else None
    if most not in (None, Action.HOLD) and any(grade.is_official_hold(statement, at) for statement in statements):
        return Action.HOLD
    return most


def confirmation(answer: ProviderFinding, statements: Sequence[Statement], at: datetime) -> Statement | None:
    """Return the provider's finding as one more report, None if it confirms nothing.

    It counts for as long as the reports of others do, and does not replace the provider's own reports.
    """
    if not answer.effect.confirms:
        return None
    reports = [statement.report for statement in statements]
    own = [
        statement.report.reported_at
        for statement in statements
        if statement.partner.counts_as == answer.partner.counts_as
    ]
    if answer.hub and own:
        return None  # its own reports at that hub count already
    said = min([answer.at, at, *(reported - _MOMENT for reported in own)])
    about = reports[0]
    report = Report(
        kind=about.kind,
        value=about.value,
        details=dict(about.details),
        reporter=answer.partner.name,
        reported_at=said,
        valid_until=max(said + _MOMENT, *(report.valid_until for report in reports)),
        holder_status=answer.effect.holder,
        tlp=max((statement.tlp for statement in statements), key=list(type(statements[0].tlp)).index),
    )
    return Statement(answer.partner, report, answer.key, hub=answer.hub)
