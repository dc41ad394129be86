"""Precision and recall of finding values in texts, over a folder of reports and what is true of each.

Beside each ``NAME.txt`` stands ``NAME.truth``: one value a line, as ``kind``, a tab, and the value in its normal form.
Lines that begin with ``#`` are comments.

    python -m benchmarks.extraction FOLDER [--misses]
"""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from feeds.mapping.options import Options
from feeds.mapping.rows import Mapped, map_stream
from schemas.report import Report

Value = tuple[str, str]


class Score(NamedTuple):
    """The values of one report: found and true, found and wrong, true and not found."""

    name: str
    right: frozenset[Value]
    wrong: frozenset[Value]
    missed: frozenset[Value]

    @property
    def precision(self) -> float:
        """Return the share of what was found that is true; 1 where nothing was found."""
        return _share(len(self.right), len(self.right) + len(self.wrong))

    @property
    def recall(self) -> float:
        """Return the share of what is true that was found; 1 where nothing is true."""
        return _share(len(self.right), len(self.right) + len(self.missed))


def score(report: Path) -> Score:
    """Return the score of one report, which is mapped as a user maps a file: its format is recognised."""
    with report.open("rb") as stream:
        outcomes = map_stream(stream, report.name, Options(reporter="scorer"))
        found = {
            outcome.key for outcome in outcomes if isinstance(outcome, Mapped) and isinstance(outcome.report, Report)
        }
    true = truth(report.with_suffix(".truth"))
    return Score(report.stem, frozenset(found & true), frozenset(found - true), frozenset(true - found))


def truth(path: Path) -> set[Value]:
    """Return the values that ``path`` lists."""
    lines = (line for line in path.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#"))
    return {(kind, value) for kind, _, value in (line.partition("\t") for line in lines)}


def total(scores: Iterable[Score], name: str = "all") -> Score:
    """Return the score of all reports together; the same value in two reports counts twice."""
    scores = list(scores)
    return Score(
        name,
        frozenset((f"{one.name}:{kind}", value) for one in scores for kind, value in one.right),
        frozenset((f"{one.name}:{kind}", value) for one in scores for kind, value in one.wrong),
        frozenset((f"{one.name}:{kind}", value) for one in scores for kind, value in one.missed),
    )


def reports(folder: Path) -> list[Path]:
    """Return the reports of ``folder`` that have a list of what is true."""
    return [path for path in sorted(folder.glob("*.txt")) if path.with_suffix(".truth").exists()]


def line(one: Score) -> str:
    """Return one line of the table."""
    counts = f"{len(one.right):5} {len(one.wrong):5} {len(one.missed):6}"
    return f"{one.name[:60]:60} {counts} {one.precision:9.1%} {one.recall:7.1%}"


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 1.0


def main(arguments: list[str]) -> int:
    """Print a line for each report and one for all, with ``--misses`` also what was wrong and what was missed."""
    folders = [Path(argument) for argument in arguments if argument != "--misses"]
    scores = [score(report) for folder in folders for report in reports(folder)]
    if not scores:
        print("no reports: give a folder of NAME.txt with NAME.truth beside each", file=sys.stderr)
        return 2
    print(f"{'report':60} {'right':>5} {'wrong':>5} {'missed':>6} {'precision':>9} {'recall':>7}")
    for one in scores:
        print(line(one))
        if "--misses" in arguments:
            for word, values in (("wrong", one.wrong), ("missed", one.missed)):
                for kind, value in sorted(values):
                    print(f"    {word:6} {kind} {value}")
    print(line(total(scores)))
    largest = max(scores, key=lambda one: len(one.right | one.missed))
    print(line(total((one for one in scores if one is not largest), "all but the largest")))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
