"""Files for a hub elsewhere: read and understood here, and sent as rows, so that unread columns never leave."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain, groupby
from typing import Any, BinaryIO, NamedTuple

import msgspec

from feeds.mapping.options import Options
from feeds.mapping.records import read_records
from feeds.mapping.rows import Duplicate, Mapped, Reject, file_rows, grouped, new_values
from feeds.mapping.seen import SeenInFiles
from feeds.readers.record_rows import detect_records
from feeds.readers.rows import Tally
from schemas import tabular
from schemas.api.reports import MOST_REPORTS, ReportResult
from schemas.report import Report
from server.release.results import Result

Outcome = Mapped | Duplicate | Reject
Send = Callable[[Sequence[Mapping[str, Any]]], Sequence[ReportResult]]

# Bytes of one request, more with its last row.
_PART_BYTES = 1024 * 1024
_SECOND_HAND = (
    "second-hand",
    "made from other reports, which rows cannot say: send the file itself with POST /api/reports",
)
_RESULTS = {"held": Result.HELD, "kept": Result.KEPT, "refused": Result.REFUSED}


class PlannedRow(NamedTuple):
    """A row of a file: the outcomes of its values, and the row to send, None if there is nothing to send.

    ``sent`` says of each outcome whether its value is in that row.
    """

    outcomes: Sequence[Outcome]
    row: Mapping[str, Any] | None = None
    sent: Sequence[bool] = ()


def plan(
    stream: BinaryIO, name: str, options: Options, seen: SeenInFiles | None = None, tally: Tally | None = None
) -> Iterator[PlannedRow]:
    """Yield the rows of a file of reports or of records. Raises ``UnreadableFile`` after all readable rows."""
    seen = SeenInFiles() if seen is None else seen
    tally = Tally() if tally is None else tally
    are_records, stream = (True, stream) if options.record else detect_records(stream, options.format)
    if are_records:
        yield from _records(stream, name, options, tally)
        return
    for group in grouped(file_rows(stream, name, options, tally), name, options):
        yield _reports([_first_hand(name, outcome) for outcome in group], options, seen)


def _reports(group: list[Mapped | Reject], options: Options, seen: SeenInFiles) -> PlannedRow:
    """Plan a row of reports. The hub joins its values in a case, those that an earlier row has too."""
    outcomes = list(new_values([group], seen.values, options.profile))
    if not any(isinstance(outcome, Mapped) for outcome in outcomes):
        return PlannedRow(outcomes)
    reports = [one.report for one in group if isinstance(one, Mapped) and isinstance(one.report, Report)]
    row = {"values": list(map(tabular.report_columns, reports))}
    return PlannedRow(outcomes, row, [isinstance(one, Mapped) for one in group])


def _first_hand(name: str, outcome: Mapped | Reject) -> Mapped | Reject:
    if isinstance(outcome, Mapped) and outcome.second_hand and isinstance(outcome.report, Report):
        report = outcome.report
        return Reject(name, outcome.line, report.value, report.kind, *_SECOND_HAND, part=outcome.part)
    return outcome


def _records(stream: BinaryIO, name: str, options: Options, tally: Tally) -> Iterator[PlannedRow]:
    for row in read_records(stream, name, options, tally):
        if isinstance(row, Reject):
            yield PlannedRow([row])
            continue
        for record in row.records:
            columns = record.model_dump(mode="json", exclude_none=True, exclude={"reporter"})
            yield PlannedRow([Mapped(row.line, record, [])], {"record": row.name, **columns}, [True])


def send_planned(send: Send, name: str, planned: Iterator[PlannedRow]) -> Iterator[Outcome]:
    """Send planned rows in parts, and yield the outcomes of each part once the hub has answered.

    The outcome of a value that is not published is a ``Reject`` with its ``result``.
    """
    for part in _parts(planned):
        rows = [one.row for one in part if one.row]
        results = iter(send(rows)) if rows else iter(())
        by_line = {line: list(found) for line, found in groupby(results, key=lambda result: result.line)}
        number = 0
        for one in part:
            number += one.row is not None
            answers = iter(by_line.get(number, ()) if one.row else ())
            for place, outcome in enumerate(one.outcomes):
                answer = next(answers, None) if one.row and one.sent[place] else None
                yield _answered(name, outcome, answer) if isinstance(outcome, Mapped) else outcome


def _parts(planned: Iterator[PlannedRow]) -> Iterator[list[PlannedRow]]:
    part: list[PlannedRow] = []
    values = size = 0
    failure: Exception | None = None
    while True:
        try:
            one = next(planned, None)
        except (ValueError, OSError) as error:
            # Rows before an unreadable place are sent.
            one, failure = None, error
        if part and (one is None or values + sum(one.sent) > MOST_REPORTS or size > _PART_BYTES):
            yield part
            part, values, size = [], 0, 0
        if one is None:
            break
        part.append(one)
        values += sum(one.sent)
        size += len(msgspec.json.encode(one.row))
    if failure is not None:
        raise failure


def _answered(name: str, outcome: Mapped, answer: ReportResult | None) -> Outcome:
    """Return the outcome of a value by the hub's answer; without one it was taken with its row."""
    if answer is None or answer.result not in _RESULTS:
        return outcome
    result, report = _RESULTS[answer.result], outcome.report
    raw, kind = (report.value, report.kind) if isinstance(report, Report) else ("", answer.kind)
    reason, message = answer.reason or result.value, answer.message or ""
    return Reject(name, outcome.line, raw, kind, reason, message, result, part=outcome.part, id=answer.id or "")


def outcomes_of(planned: Iterator[PlannedRow]) -> Iterator[Outcome]:
    """Yield the outcomes of planned rows, without sending them."""
    return chain.from_iterable(one.outcomes for one in planned)
