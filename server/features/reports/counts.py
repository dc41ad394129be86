"""Shows the results of the rows of files, and the columns and cells that were not read."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console

from feeds.mapping.not_read import FilesRead, NotRead, Remedy
from feeds.mapping.rows import Counts
from feeds.readers.rows import Tally
from server.cli.context import fail, show_json, show_table
from server.features.reports.decisions import Decisions
from server.features.reports.refused import print_plain


def show_counts(
    files: FilesRead,
    console: Console,
    timezone: str,
    *,
    json: bool,
    contributed: bool = False,
    decisions: Decisions | None = None,
    rows: Sequence[Mapping[str, Any]] | None = None,
) -> None:
    """Show the counts and the unread parts of each of the ``files``; end the program if one could not be read.

    For ``contributed`` rows, also show whether they are published, or the reason. JSON includes the ``decisions``, and
    the ``rows`` of a dry run.
    """
    if json:
        results = {"results": files.counts.results()} if contributed else {}
        explained = decisions.as_dict() if decisions is not None else {}
        dry = {} if rows is None else {"dry_run": True, "preview": rows}
        show_json({**files.counts.as_dict(), **results, "timezone": timezone, **files.as_dict(), **explained, **dry})
    else:
        if rows is not None:
            _show_rows(rows, files.counts.read, console)
        _show_counts(files, console, timezone, contributed=contributed)
    for file in files.files:
        if file.name and file.is_empty:
            print_plain(f"{file.name}: nothing to read: the file is empty, or has a header and no rows")
    if files.faults:
        fail("\nscamfeed: ".join(files.faults))


def _show_rows(rows: Sequence[Mapping[str, Any]], read: int, console: Console) -> None:
    """Show how rows are understood; those that are refused are named elsewhere, without their content."""
    title = "Dry run: nothing was sent or stored" + (f"; the first {len(rows):,}" if len(rows) < read else "")
    lines = [
        (
            ", ".join(filter(None, (row["file"], row.get("part"), f"line {row['line']}"))),
            row["result"],
            f"{row['kind']} {row['value']}".strip(),
            ", ".join(f"{name}: {text}" for name, text in row["columns"].items()) or row.get("reason", ""),
        )
        for row in rows
    ]
    show_table(title, ["where", "result", "value", "columns"], lines, console)


def _show_counts(files: FilesRead, console: Console, timezone: str, *, contributed: bool) -> None:
    counts = files.counts
    rows: list[tuple[str, int]] = [("read", counts.read)]
    if contributed:
        rows += [("duplicates", counts.duplicates), *_results(counts)]
    else:
        rows += [("mapped", counts.mapped), ("duplicates", counts.duplicates)]
        rows += [(f"rejected: {reason}", number) for reason, number in counts.rejected.most_common()]
    title = "Rows" if counts.tally.rows in (0, counts.read) else f"Values of {counts.tally.rows:,} rows"
    show_table(title, ["result", "rows"], rows, console)
    show_unread(files.unread(), console)
    show_conventions(counts.tally, console, timezone)


def _results(counts: Counts) -> Iterator[tuple[str, int]]:
    for result, number_or_reasons in counts.results().items():
        if isinstance(number_or_reasons, int):
            yield str(result), number_or_reasons
        else:
            yield from ((f"{result}: {reason}", number) for reason, number in number_or_reasons.items())


# Maximum number of lines about unread parts; --json has all of them.
_MOST = 40


def show_unread(
    unread: Iterable[tuple[str, NotRead]], console: Console, proposed: Callable[[Remedy], str] = str
) -> None:
    """Show the unread parts of each file, if any, with the place, the reason and a proposal.

    ``proposed`` returns the text of a proposal. Empty cells are only in the counts as JSON.
    """
    found = [(file, each) for file, each in unread if each.reason != "empty"]
    lines = [
        (
            f"{each.what} {each.name}".strip(),
            each.rows,
            ", ".join(filter(None, (file, each.part, f"line {each.lines[0]}" if each.lines else ""))),
            f"looks like {each.likely}" if each.likely else each.reason,
            proposed(each.proposal) if each.proposal else "",
        )
        for file, each in found[:_MOST]
    ]
    if lines:
        show_table("Not read", ["what", "rows", "where", "why", "to read it, if it is the scammer's"], lines, console)
    if len(found) > _MOST:
        console.print(f"{len(found) - _MOST} more: --json lists all", markup=False, highlight=False)


def show_conventions(tally: Tally, console: Console, timezone: str | None) -> None:
    """Show columns whose kind was found by their values, and the time zone of dates."""
    for column, kind in tally.found().items():
        console.print(f"values ({kind}) are taken from column: {column}", markup=False, highlight=False)
    if timezone:
        console.print(f"dates and times without a zone are of: {timezone}", markup=False, highlight=False)
