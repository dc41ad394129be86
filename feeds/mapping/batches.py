"""From the rows of a format to the batch of a pull, with what the partner takes back."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from feeds.connector import Batch, Gone
from feeds.mapping.rows import Duplicate, Mapped, Options, Reject, map_rows
from feeds.readers.columns.notes import Tally
from feeds.readers.rows import Row, Unreadable


def of_rows(
    rows: Iterable[Row | Unreadable], checkpoint: dict[str, Any], options: Options, *, gone: Iterable[Row] = ()
) -> Batch:
    """Make a batch of ``rows``; one that is no report is counted with its reason. ``gone`` is what is taken back."""
    tally = Tally()
    outcomes = list(map_rows(rows, options.reporter, options, tally))
    return of_outcomes(outcomes, checkpoint, gone=taken_back(gone, options), tally=tally)


def of_outcomes(
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


def taken_back(rows: Iterable[Row | Unreadable], options: Options) -> list[Gone]:
    """Give the indicators of ``rows`` by the ids that they have with us; what is no report never had one."""
    mapped = [each for each in map_rows(rows, options.reporter, options) if isinstance(each, Mapped)]
    objects = [obj for each in mapped for obj in each.objects if obj["type"] == "indicator"]
    return [Gone(str(obj["id"]), str(obj["modified"])) for obj in objects]
