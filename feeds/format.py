"""File formats: the base class of formats, and those of the formats with one report per line."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePath
from typing import Any, BinaryIO, ClassVar

from feeds.errors import UnknownFormat, UnreadableFile
from feeds.readers.columns import roles
from feeds.readers.documents.apart import parts_apart, parts_here
from feeds.readers.documents.rows import rows_of_parts
from feeds.readers.rows import FileRow, Row, Unreadable
from feeds.readers.source import HEAD, Source, decode, line_runs
from schemas.report import Report

# Number of characters at the beginning of a file that are split into lines.
_LINES_WITHIN = 20_000


@dataclass(frozen=True)
class Head:
    """The beginning of a file, from which its format is recognised.

    ``text`` is its text, ``complete`` whether that is the whole file. ``magic`` is its first eight bytes, which
    identify binary files.
    """

    name: str
    text: str
    complete: bool
    magic: bytes = b""

    @cached_property
    def lines(self) -> list[str]:
        """Return the complete lines that are not blank, stripped; a few hundred at most."""
        within = self.text[:_LINES_WITHIN]
        lines = within.splitlines() if within.count("\n") > 1 else self.text.splitlines()
        if len(lines) > 1 and not (self.complete and len(self.text) <= _LINES_WITHIN):
            lines.pop()
        return [line.strip() for line in lines if line.strip()]

    @cached_property
    def suffixes(self) -> list[str]:
        """Return the endings of the file's name without dots and without ``gz``, the last one first."""
        endings = [ending.lstrip(".").lower() for ending in reversed(PurePath(self.name).suffixes)]
        return [ending for ending in endings if ending != "gz"]

    def share(self, lines: Iterable[str], total: int) -> float:
        """Return the share of ``lines`` among ``total``, 0 if there are none."""
        return sum(1 for _ in lines) / total if total else 0.0


@dataclass(frozen=True)
class Example:
    """A small file and the result of reading it: the columns of its rows, and the reasons of its unreadable items."""

    data: bytes
    rows: list[dict[str, str]]
    reasons: tuple[str, ...] = ()
    name: str = ""


class Format(ABC):
    """One file format. A module of ``feeds/formats`` defines one subclass, which is found automatically.

    ``name``: the word on the command line.
    ``endings``: endings of file names, which only add to the score of the content.
    ``binary``: the file is not a text.
    ``lines``: any run of complete lines of a file is itself a file of this format, so that several processes can each
    read a part (``--jobs``). False if earlier lines, such as a header, change the meaning of a line.
    ``writes``: reports can be written in it; ``folder``: as a folder of files.
    ``values_only``: it contains only values, so that a value of several reports is written once.
    ``blocklist``: its readers block everything in it, so that by default only values graded ``block`` are written.
    ``stix_objects``: it consists of STIX objects, which are written unchanged (``copy``).
    ``document``: it is a text for people, not a list that may be empty.
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
    document: ClassVar[bool] = False

    @abstractmethod
    def score(self, head: Head) -> float:
        """Return how certain the beginning of a file makes this format: from 0 (not this one) to 1 (certain)."""

    @abstractmethod
    def read(self, source: Source, path: str = "") -> Iterator[FileRow]:
        """Yield the rows of a file in order, and its unreadable items; comments and blank lines are skipped.

        ``path`` is the place of the list of reports in a document. Raises ``UnreadableFile``.
        """

    @abstractmethod
    def examples(self) -> Iterable[Example]:
        """Yield examples, at least one for each rule of the format; the contract tests read them all."""

    def write(self, reports: Iterable[Report], out: BinaryIO) -> int:
        """Write those of ``reports`` that the format supports, and return their number."""
        raise UnknownFormat(f"the format {self.name} can only be read")

    def copy(self, objects: Iterable[Mapping[str, Any]], out: BinaryIO) -> int:
        """Write the STIX objects that the format supports unchanged, and return the number of indicators."""
        raise UnknownFormat(f"the format {self.name} does not consist of STIX objects")

    def write_folder(self, reports: Iterable[Report], folder: Path) -> int:
        """Write those of ``reports`` that the format supports into ``folder``, and return their number.

        The files of an earlier call are replaced; a concurrent reader finds either the old or the new file.
        """
        raise UnknownFormat(f"the format {self.name} is not a folder")


NO_VALUE = (
    "nothing in this document looks like a scammer's value: check that it is the right document; type values that "
    "only pictures or scripts show"
)
# Most bytes of a document that is read as a whole: of a text, and of a binary file.
_LARGEST_TEXT, _LARGEST_BINARY = 16 << 20, 128 << 20


class DocumentFormat(Format):
    """A document whose tables and text become rows; one that gives none cannot be read.

    ``reader`` is the module of ``feeds.readers.documents`` that reads it, for a binary file in a separate process.
    """

    reader: ClassVar[str]
    document: ClassVar[bool] = True

    def read(self, source: Source, path: str = "") -> Iterator[FileRow]:
        """Yield the rows of its parts in order. Raises ``UnreadableFile``."""
        if self.binary and not self.score(
            Head(source.name, decode(source.head[:HEAD]), complete=False, magic=source.head[:8])
        ):
            raise UnreadableFile(f"this is no file of the format {self.name}: set another, or none to recognise it")
        with source.spooled(_LARGEST_BINARY if self.binary else _LARGEST_TEXT) as file:
            parts = parts_apart if self.binary else parts_here
            found = False
            for row in rows_of_parts(parts(self.reader, file, source.name), source):
                found = True
                yield row
        if not found:
            raise UnreadableFile(NO_VALUE)


class LineFormat(Format):
    """A format whose lines are read independently."""

    lines: ClassVar[bool] = True

    def read(self, source: Source, path: str = "") -> Iterator[FileRow]:
        """Yield the rows of each line, and the lines that are not text; a list of safe values gives none."""
        rows = self._rows(source)
        yield from roles.refused(rows) if roles.is_list_of_others(source.title) else rows

    def _rows(self, source: Source) -> Iterator[FileRow]:
        for run in line_runs(source):
            if isinstance(run, Unreadable):
                yield run
            else:
                first, lines = run
                for number, line in enumerate(lines, first):
                    yield from self.rows_of_line(number, line)

    @abstractmethod
    def rows_of_line(self, number: int, line: str) -> Iterable[Row | Unreadable]:
        """Yield the rows of one line, or why it is unreadable; nothing for a comment or a blank line."""


class DomainBlocklist(LineFormat):
    """A list with which a resolver or a browser blocks domains; ``written`` is a line, with ``{}`` for the domain."""

    written: ClassVar[str]
    writes: ClassVar[bool] = True
    values_only: ClassVar[bool] = True
    blocklist: ClassVar[bool] = True

    def write(self, reports: Iterable[Report], out: BinaryIO) -> int:
        """Write the domains among ``reports``, one per line."""
        count = 0
        for report in reports:
            if report.kind == "domain":
                out.write(f"{self.written.format(report.value)}\n".encode())
                count += 1
        return count
