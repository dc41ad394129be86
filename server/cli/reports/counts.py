"""Shows the results of the rows of files, and the columns and cells that were not read."""

from collections.abc import Iterator

from rich.console import Console

from feeds.mapping.rows import Counts
from feeds.readers.columns.notes import Tally
from server.cli.context import fail, show_json, show_table


def show_counts(
    counts: Counts,
    json: bool,
    console: Console,
    faults: list[str],
    timezone: str = "UTC",
    *,
    contributed: bool = False,
) -> None:
    """Show the counts, and end the program if a file could not be read.

    For ``contributed`` rows show also whether they are published, and if not, why.
    """
    if json:
        results = {"results": counts.results()} if contributed else {}
        show_json({**counts.as_dict(), **results, "timezone": timezone})
    else:
        _show_counts(counts, console, timezone, contributed=contributed)
    if faults:
        fail("\nscamfeed: ".join(faults))


def _show_counts(counts: Counts, console: Console, timezone: str, *, contributed: bool) -> None:
    rows: list[tuple[str, int]] = [("read", counts.read)]
    if contributed:
        rows += [("duplicates", counts.duplicates), *_results(counts)]
    else:
        rows += [("mapped", counts.mapped), ("duplicates", counts.duplicates)]
        rows += [(f"rejected: {reason}", number) for reason, number in counts.rejected.most_common()]
    title = "Rows" if counts.tally.rows in (0, counts.read) else f"Values of {counts.tally.rows:,} rows"
    show_table(title, ["result", "rows"], rows, console)
    show_unread(counts.tally, console, timezone)


def _results(counts: Counts) -> Iterator[tuple[str, int]]:
    for result, number_or_reasons in counts.results().items():
        if isinstance(number_or_reasons, int):
            yield str(result), number_or_reasons
        else:
            yield from ((f"{result}: {reason}", number) for reason, number in number_or_reasons.items())


def show_unread(tally: Tally, console: Console, timezone: str | None) -> None:
    """Show columns and cells that were not read, and columns whose kind was found by their values."""
    unread = tally.unread()
    lines = [(f"column {name}", number) for name, number in unread["columns"].items()]
    lines += [(f"cells of {reason}", number) for reason, number in unread["cells"].items()]
    if lines:
        show_table("Not read", ["column or cells", "rows"], lines, console)
    for column, kind in tally.found().items():
        console.print(f"values ({kind}) are taken from column: {column}", markup=False, highlight=False)
    if timezone:
        console.print(f"dates and times without a zone are of: {timezone}", markup=False, highlight=False)
