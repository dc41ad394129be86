"""Names the first refused rows of files, for a person who reads no file of rejects."""

import sys
from pathlib import Path

import typer

from feeds.mapping.not_read import FilesRead
from feeds.mapping.rows import Counts

# Characters of one part: a message may quote the name of a column.
_LONGEST = 400
SOME_REFUSED = 1


def show_refused(files: FilesRead, rejects: Path | None) -> None:
    """Name the first refused rows on standard error, without their content, and how to have all of them.

    Show nothing if ``rejects`` has them.
    """
    if rejects is not None or not files.first:
        return
    for reject in files.first:
        place = ", ".join(filter(None, (reject.file, reject.part, f"line {reject.line}")))
        place += f" ({reject.kind})" if reject.kind else ""
        print_plain(f"refused: {place}: {reject.reason}: {reject.message}")
    more = files.counts.rejected.total() - len(files.first)
    every = f"{more:,} more values are refused; " if more else ""
    print_plain(f"{every}--rejects FILE writes each refused value with its row")


def end_if_refused(counts: Counts, *, strict: bool) -> None:
    """End a ``strict`` run with 1 if a row was refused."""
    if strict and counts.rejected:
        raise typer.Exit(SOME_REFUSED)


def print_plain(line: str) -> None:
    """Print a line that moves no cursor and changes no colour, whatever a file is called or a column."""
    plain = "".join(character if character.isprintable() else "?" for character in line)
    print(plain if len(plain) <= _LONGEST else plain[:_LONGEST] + "…", file=sys.stderr)  # noqa: T201 - shown to people
