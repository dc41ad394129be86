"""From the rows of a format to the batch of a pull, with what the partner takes back."""

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
    """Make a batch of ``rows``; one that is no report is counted with its reason. ``gone`` is what is taken back."""
    tally = Tally()
    outcomes = list(map_rows(rows, options.reporter, options, tally))
    return batch_of_outcomes(outcomes, checkpoint, gone=taken_back(gone, options), tally=tally)


def batch_of_outcomes(
    outcomes: Sequence[Mapped | Duplicate | Reject],
    checkpoint: dict[str, Any],
    *,
    gone: Sequence[Gone] = (),
    done: Sequence[tuple[str, str]] = (),
    more_rejected: Mapping[str, int] | None = None,
    tally: Tally | None = None,
) -> Batch:
    """Make a batch of rows that were mapped; ``gone`` are indicators that are taken back.

    ``more_rejected`` counts by reason what was no row at all, such as a file that cannot be read; ``tally`` what of
    rows is not read.
    """
    rejected = Counter(more_rejected)
    read = len(outcomes) + len(gone) + rejected.total()
    rejects = [each for each in outcomes if isinstance(each, Reject)]
    rejected.update(each.reason for each in rejects)
    items = [each.objects for each in outcomes if isinstance(each, Mapped)]
    return Batch(items, checkpoint, read, rejected, done, gone, rejects, tally=tally or Tally())


def taken_back(rows: Iterable[FileRow], options: Options) -> list[Gone]:
    """Give the indicators of ``rows`` by the ids that they have with us; what is no report never had one."""
    mapped = [each for each in map_rows(rows, options.reporter, options) if isinstance(each, Mapped)]
    objects = [obj for each in mapped for obj in each.objects if obj["type"] == "indicator"]
    return [Gone(str(obj["id"]), str(obj["modified"])) for obj in objects]


def batch_of_records(
    records: Iterable[object], checkpoint: dict[str, Any], options: Options, gone: Sequence[str | Gone] = ()
) -> Batch:
    """Make a batch of ``records``, whose keys are columns as a file of reports has them (``docs/reports.md``).

    One that is no report, or no mapping at all, is counted with its reason. ``gone`` are values, or ids of indicators,
    that the partner takes back, and when, where it says so.
    """
    rows = (
        row
        for number, each in enumerate(records, 1)
        for row in report_objects.rows(number, dict(each) if isinstance(each, Mapping) else each)
    )
    tally = Tally()
    outcomes = list(map_rows(rows, options.reporter, options, tally))
    rejects = [each for each in outcomes if isinstance(each, Reject)]
    rejected = Counter(each.reason for each in rejects)
    items = [each.objects for each in outcomes if isinstance(each, Mapped)]
    return Batch(items, checkpoint, len(outcomes) + len(gone), rejected, gone=gone, rejects=rejects, tally=tally)


def as_of_now(items: Sequence[Sequence[dict[str, Any]]]) -> tuple[list[Sequence[dict[str, Any]]], int]:
    """Return ``items`` with none dated ahead, and how many of them were.

    Who is a few minutes ahead is within what the release rules allow. A later version of the same object is dated when
    it is pulled, which is later than this.
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
        return obj  # it has no versions, or is of no form: the release rules say so
    return {**obj, "created": created, "modified": now}
