"""Names the first refused rows of files, for a person who reads no file of rejects."""

import sys
from dataclasses import dataclass, field
from pathlib import Path

import typer

from feeds.mapping.rows import Counts, Reject
from server.release.results import Result

# Rows that are named; a file may have millions.
_NAMED = 10
# Characters of one part: a message may quote the name of a column.
_LONGEST = 400
SOME_REFUSED = 1


@dataclass
class RefusedRows:
    """The first refused rows of a run: file, line, kind, reason and way out, and never what the row says."""

    first: list[Reject] = field(default_factory=list)

    def add(self, reject: Reject) -> None:
        """Keep ``reject`` if its row is refused and among the first."""
        if reject.result is Result.REFUSED and len(self.first) < _NAMED:
            self.first.append(reject)

    def show(self, counts: Counts, rejects: Path | None) -> None:
        """Name the rows on standard error, and how to have all of them; nothing where ``rejects`` has them."""
        if rejects is not None or not self.first:
            return
        for reject in self.first:
            place = f"{reject.file}, line {reject.line}" + (f" ({reject.kind})" if reject.kind else "")
            _print(f"refused: {place}: {reject.reason}: {reject.message}")
        more = counts.rejected.total() - len(self.first)
        every = f"{more:,} more values are refused; " if more else ""
        _print(f"{every}--rejects FILE writes each refused value with its row")


def end_if_refused(counts: Counts, *, strict: bool) -> None:
    """End a ``strict`` run with 1 if a row was refused."""
    if strict and counts.rejected:
        raise typer.Exit(SOME_REFUSED)


def _print(line: str) -> None:
    """Print a line that moves no cursor and changes no colour, whatever a file is called or a column."""
    plain = "".join(character if character.isprintable() else "?" for character in line)
    print(plain if len(plain) <= _LONGEST else plain[:_LONGEST] + "…", file=sys.stderr)  # noqa: T201 - shown to people
