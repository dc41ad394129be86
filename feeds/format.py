"""File formats: what one is, and the bases of the formats that hold one report a line."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePath
from typing import Any, BinaryIO, ClassVar

from feeds.errors import UnknownFormat
from feeds.readers.lines import line_runs
from feeds.readers.rows import FileRow, Row, Unreadable
from feeds.readers.source import Source
from schemas.report import Report

# Characters of a file's beginning that are looked at for its lines.
_LINES_WITHIN = 20_000


@dataclass(frozen=True)
class Head:
    """The beginning of a file, by which its format is recognised.

    ``text`` is its text, ``complete`` whether that is the whole file, ``magic`` its first eight bytes, by which
    binary files are recognised.
    """

    name: str
    text: str
    complete: bool
    magic: bytes = b""

    @cached_property
    def lines(self) -> list[str]:
        """Return the whole lines that are not blank, without space around them; a few hundred at most."""
        within = self.text[:_LINES_WITHIN]
        lines = within.splitlines() if within.count("\n") > 1 else self.text.splitlines()
        if len(lines) > 1 and not (self.complete and len(self.text) <= _LINES_WITHIN):
            lines.pop()
        return [line.strip() for line in lines if line.strip()]

    @cached_property
    def suffixes(self) -> list[str]:
        """Return the endings of the file's name without their dots, the last first, ``gz`` left out."""
        endings = [ending.lstrip(".").lower() for ending in reversed(PurePath(self.name).suffixes)]
        return [ending for ending in endings if ending != "gz"]

    def share(self, lines: Iterable[str], total: int) -> float:
        """Return the share of ``total`` that ``lines`` are, 0 of none."""
        return sum(1 for _ in lines) / total if total else 0.0


@dataclass(frozen=True)
class Example:
    """A small file and what is read from it: the columns of its rows, and the reasons of its unreadable items."""

    data: bytes
    rows: list[dict[str, str]]
    reasons: tuple[str, ...] = ()
    name: str = ""


class Format(ABC):
    """One file format. A module of ``feeds/formats`` defines one subclass and is found by being there.

    ``name``: the word on the command line.
    ``endings``: endings of file names, which only add to the score of the content.
    ``binary``: the file is no text.
    ``lines``: any run of whole lines of a file is itself a file of this format, so that several processes may each
    read some of them (``--jobs``). False where a line means something by what stands before it, such as a header.
    ``writes``: reports can be written in it; ``folder``: as a folder of files.
    ``values_only``: it holds values and nothing about them, so that a value of several reports is written once.
    ``blocklist``: its readers block all that it holds, so that only values graded ``block`` are written by default.
    ``stix_objects``: it is made of STIX objects, which are written as they are (``copy``).
    """

    name: ClassVar[str]
    endings: ClassVar[tuple[str, ...]] = ()
    binary: ClassVar[bool] = False
    lines: ClassVar[bool] = False
    writes: ClassVar[bool] = False
    folder: ClassVar[bool] = False
    values_only: ClassVar[bool] = False
    blocklist: ClassVar[bool] = False
    stix_objects: ClassVar[bool] = False

    @abstractmethod
    def score(self, head: Head) -> float:
        """Return how certain the beginning of a file makes this format: from 0 (not this one) to 1 (certain)."""

    @abstractmethod
    def read(self, source: Source, path: str = "") -> Iterator[FileRow]:
        """Yield the rows of a file, in its order, and its unreadable items; comments and blank lines are skipped.

        ``path`` is the place of the list of reports in a document. Raises ``UnreadableFile``.
        """

    @abstractmethod
    def examples(self) -> Iterable[Example]:
        """Yield examples, at least one for each rule of the format; the contract tests read them all."""

    def write(self, reports: Iterable[Report], out: BinaryIO) -> int:
        """Write those of ``reports`` that the format can hold, and return their number."""
        raise UnknownFormat(f"the format {self.name} is read, not written")

    def copy(self, objects: Iterable[Mapping[str, Any]], out: BinaryIO) -> int:
        """Write those STIX objects that the format can hold, as they are, and return the number of indicators."""
        raise UnknownFormat(f"the format {self.name} is not made of STIX objects")

    def write_folder(self, reports: Iterable[Report], folder: Path) -> int:
        """Write those of ``reports`` that the format can hold into ``folder``, and return their number.

        The files of an earlier call are replaced; who reads meanwhile finds either the old or the new.
        """
        raise UnknownFormat(f"the format {self.name} is no folder")


class LineFormat(Format):
    """A format each of whose lines is read by itself."""

    lines: ClassVar[bool] = True

    def read(self, source: Source, path: str = "") -> Iterator[FileRow]:
        """Yield the rows of each line, and the lines that are no text."""
        for run in line_runs(source):
            if isinstance(run, Unreadable):
                yield run
            else:
                first, lines = run
                for number, line in enumerate(lines, first):
                    yield from self.rows_of_line(number, line)

    @abstractmethod
    def rows_of_line(self, number: int, line: str) -> Iterable[Row | Unreadable]:
        """Return the rows of one line, or why it is none; nothing for a comment or a blank line."""


class DomainBlocklist(LineFormat):
    """A list by which a resolver or a browser blocks domains; ``written`` is a domain's line, with ``{}`` for it."""

    written: ClassVar[str]
    writes: ClassVar[bool] = True
    values_only: ClassVar[bool] = True
    blocklist: ClassVar[bool] = True

    def write(self, reports: Iterable[Report], out: BinaryIO) -> int:
        """Write the domains among ``reports``, one a line."""
        count = 0
        for report in reports:
            if report.kind == "domain":
                out.write(f"{self.written.format(report.value)}\n".encode())
                count += 1
        return count
