"""Batches of a pull, made of rows, outcomes or an API's records, with the values that the partner takes back."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from feeds.connector import Batch, Gone
from feeds.mapping.options import Options
from feeds.mapping.rows import Duplicate, Mapped, Reject, map_rows
from feeds.readers import report_objects
from feeds.readers.columns.notes import Tally
from feeds.readers.rows import FileRow
from schemas import timestamp
from schemas.errors import Rejected
from server.release.guard.stix_properties import MAX_CLOCK_SKEW


def batch_of_rows(
    rows: Iterable[FileRow], checkpoint: dict[str, Any], options: Options, *, gone: Iterable[FileRow] = ()
) -> Batch:
    """Return a batch of ``rows``; a row that is no report is counted with its reason. ``gone`` are taken back."""
    tally = Tally()
    outcomes = list(map_rows(rows, options.reporter, options, tally))
    return batch_of_outcomes(outcomes, checkpoint, gone=taken_back(gone, options), tally=tally)


def batch_of_outcomes(
    outcomes: Sequence[Mapped | Duplicate | Reject],
    checkpoint: dict[str, Any],
    *,
    gone: Sequence[str | Gone] = (),
    done: Sequence[tuple[str, str]] = (),
    more_rejected: Mapping[str, int] | None = None,
    tally: Tally | None = None,
) -> Batch:
    """Return a batch of mapped rows; ``gone`` are indicators, or values, that are taken back.

    ``more_rejected`` counts, by reason, items that are no rows, such as unreadable files. ``tally`` counts the rows,
    and their cells that are not read.
    """
    rejected = Counter(more_rejected)
    read = len(outcomes) + len(gone) + rejected.total()
    rejects = [outcome for outcome in outcomes if isinstance(outcome, Reject)]
    rejected.update(reject.reason for reject in rejects)
    items = [outcome.objects for outcome in outcomes if isinstance(outcome, Mapped)]
    return Batch(items, checkpoint, read, rejected, done, gone, rejects, tally=tally or Tally())


def taken_back(rows: Iterable[FileRow], options: Options) -> list[Gone]:
    """Return the ids that the indicators of ``rows`` have here; rows that are no reports never had one."""
    outcomes = map_rows(rows, options.reporter, options)
    objects = [obj for outcome in outcomes if isinstance(outcome, Mapped) for obj in outcome.objects]
    return [Gone(str(obj["id"]), str(obj["modified"])) for obj in objects if obj["type"] == "indicator"]


def batch_of_records(
    records: Iterable[object], checkpoint: dict[str, Any], options: Options, gone: Sequence[str | Gone] = ()
) -> Batch:
    """Return a batch of ``records``, whose keys are the columns of a file of reports (``docs/reports.md``).

    A record that is no report, or no mapping at all, is counted with its reason. ``gone`` are values, or ids of
    indicators, that the partner takes back, with the time where it is known.
    """
    rows = (
        row
        for number, record in enumerate(records, 1)
        for row in report_objects.rows(number, dict(record) if isinstance(record, Mapping) else record)
    )
    tally = Tally()
    outcomes = list(map_rows(rows, options.reporter, options, tally))
    return batch_of_outcomes(outcomes, checkpoint, gone=gone, tally=tally)


def as_of_now(items: Sequence[Sequence[dict[str, Any]]]) -> tuple[list[Sequence[dict[str, Any]]], int]:
    """Return ``items``, those dated ahead of this clock dated now, and the number of those.

    The release rules would refuse a version from the future, and it would be lost. A few minutes ahead are allowed. A
    later version of the same object is dated when it is pulled, which is later than this.
    """
    latest, now = timestamp.text(timestamp.now() + MAX_CLOCK_SKEW), timestamp.text(timestamp.now())
    dated = [[_dated(obj, latest, now) for obj in objects] for objects in items]
    return list(dated), sum(made != [*objects] for made, objects in zip(dated, items, strict=True))


def _dated(obj: dict[str, Any], latest: str, now: str) -> dict[str, Any]:
    try:
        if timestamp.text(timestamp.parse(obj["modified"])) <= latest:
            return obj
        created = min(now, timestamp.text(timestamp.parse(obj["created"])))
    except (KeyError, TypeError, AttributeError, Rejected):
        return obj  # without versions, or malformed: the release rules refuse it
    return {**obj, "created": created, "modified": now}
