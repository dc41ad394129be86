"""The effect of the keeper's answer on the consensus: what it confirms, and the strongest grade that it leaves."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from schemas.report import Report
from schemas.vocabulary import Action
from server.release.fuse import grade
from server.release.fuse.statements import KeeperAnswer, Statement

_MOMENT = timedelta(milliseconds=1)


def strongest_left(
    answer: KeeperAnswer | None, statements: Sequence[Statement], at: datetime, *, disputed: bool = False
) -> Action | None:
    """Return the strongest grade that the answer leaves, None for any.

    A hold by authority for the kind stays until its own end, whatever the keeper says: the account is held, and
    disputed. ``disputed``: a trusted partner calls it a false positive.
    """
    most = Action.INVESTIGATE if disputed else answer.effect.most if answer else None
    if most not in (None, Action.HOLD) and any(grade.is_official_hold(statement, at) for statement in statements):
        return Action.HOLD
    return most


def confirmation(answer: KeeperAnswer, statements: Sequence[Statement], at: datetime) -> Statement | None:
    """Return the keeper's word as one more report, None where the answer confirms nothing.

    It counts as long as the reports of others do, and takes nothing from what the keeper itself reports.
    """
    if not answer.effect.confirms:
        return None
    reports = [statement.report for statement in statements]
    own = [
        statement.report.reported_at
        for statement in statements
        if statement.partner.counts_as == answer.partner.counts_as
    ]
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
    return Statement(answer.partner, report, answer.key)
