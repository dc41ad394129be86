"""Erase what another hub erased: all versions of its report, and the value if nothing else here reports it."""

import logging
from collections.abc import Iterable, Mapping

from server.features.erasures import action, job, plan
from server.features.erasures.plan import ErasurePlan
from server.features.federation import stored
from server.features.federation.checking import CheckedReport
from server.features.federation.desk import erasures
from server.features.federation.stored import EMPTY, ReportKey, StoredReport
from server.operations import dual_control
from server.operations.dual_control import TooManyOpen
from server.release.hub import Hub
from server.store import audit, collections, erased, jobs
from server.store.database.engine import Tx
from server.store.database.times import now
from server.store.objects import log_rows, rows
from server.store.objects.log_rows import RowChange

logger = logging.getLogger(__name__)


def erase(hub: Hub, tx: Tx, reports: Iterable[CheckedReport], before: Mapping[ReportKey, StoredReport]) -> None:
    """Carry out the erasures of an origin; ``before`` are the versions that the tombstones replaced.

    Reports of this hub's own partners stay: its operators get a proposal to erase them.
    """
    for report in reports:
        signed = report.signed
        _forget_versions(tx, signed.id)
        replaced = before.get((signed.origin, signed.stream, signed.id))
        if replaced is None or not replaced.subject or signed.report is None or signed.report.erased is None:
            continue
        subject = replaced.subject
        made = plan.of(tx, [subject])
        if made.reports:
            erasures.keep(tx, signed.origin, signed.id, subject)
        elif any(row.peer and row.state != EMPTY for row in stored.of_subjects(tx, [subject])):
            continue
        _erase_value(hub, tx, signed.origin, made, signed.report.erased.reason)


def _forget_versions(tx: Tx, id_: str) -> None:
    """Remove all relayed versions of a report but its tombstone from the log."""
    collection = collections.hub_reports(tx)
    dates = {thing.date_added for thing in rows.in_logs(tx, [collection.log], [id_])}
    gone: list[RowChange] = []
    for date in sorted(dates):
        found, _ = log_rows.after(tx, collection.log, date - 1, 2)
        gone += [RowChange(row) for row in found if row.date_added == date and row.key == id_ and not row.is_latest]
    log_rows.change(tx, gone)
    if gone:
        jobs.begin(tx, job.FILES, {})


def _erase_value(hub: Hub, tx: Tx, origin: str, made: ErasurePlan, reason: str) -> None:
    """Erase a value that nothing else reports; propose it where this hub's own partners are concerned."""
    if made.reports or made.requests or made.owned_by:
        arguments = {"subjects": [*made.subjects], "reason": f"{reason}, {origin}", "proposed": now()}
        try:
            dual_control.propose(hub, tx, action.ACTION, arguments, origin)
        except TooManyOpen:
            logger.warning("erasure-not-proposed origin=%s do=decide its open proposals", origin)
        return
    record = erased.begin(tx, made.kinds, reason, origin, origin)
    job.begin(tx, record.id, made.traces, holds=False)
    audit.record_act(tx, origin, "ERASE", "value", reference=record.id)
