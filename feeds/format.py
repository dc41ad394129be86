"""What a file format is: one name, reading, writing where it makes sense, and its examples."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePath
from typing import Any, BinaryIO, ClassVar

from feeds.errors import UnknownFormat
from feeds.readers.rows import FileRow
from feeds.readers.source import Source
from schemas.report import Report


@dataclass(frozen=True)
class Head:
    """The beginning of a file, by which its format is recognised: ``text``, and whether that is all there is.

    ``magic`` is its first bytes, by which files that are no text are told apart.
    """

    name: str
    text: str
    complete: bool
    magic: bytes = b""

    @cached_property
    def lines(self) -> list[str]:
        """Give the whole lines of the beginning that are not blank, stripped; a few hundred at most."""
        lines = self.text[:20_000].splitlines() if self.text.count("\n", 0, 20_000) > 1 else self.text.splitlines()
        if len(lines) > 1 and not (self.complete and len(self.text) <= 20_000):
            lines.pop()
        return [line.strip() for line in lines if line.strip()]

    @cached_property
    def suffixes(self) -> list[str]:
        """Give the endings of the file's name without dots, ``gz`` left out, the last first."""
        endings = [ending.lstrip(".").lower() for ending in reversed(PurePath(self.name).suffixes)]
        return [ending for ending in endings if ending != "gz"]

    def share(self, lines: Iterable[str], total: int) -> float:
        """Give the share of ``total`` that ``lines`` are, 0 of none."""
        return sum(1 for _ in lines) / total if total else 0.0


@dataclass(frozen=True)
class Example:
    """The bytes of a small file and what must come of it: the fields of its rows, the reasons of the others."""

    data: bytes
    rows: list[dict[str, str]]
    reasons: tuple[str, ...] = ()
    name: str = ""


class Format(ABC):
    """One file format. A file of ``feeds/formats`` defines one subclass and is found by itself.

    ``name`` is the word on the command line; ``endings`` the endings of file names, which are a hint only; ``writes``
    says whether it can be written, ``folder`` whether as a folder, ``copies`` whether it is made of STIX objects, which
    can then be copied, ``once`` whether it says nothing beside the values, so that one said twice is written once,
    ``blocks`` whether what reads it blocks all that it holds, and ``binary`` whether it is no text.
    """

    name: ClassVar[str]
    endings: ClassVar[tuple[str, ...]] = ()
    lines: ClassVar[bool] = False
    writes: ClassVar[bool] = False
    folder: ClassVar[bool] = False
    copies: ClassVar[bool] = False
    binary: ClassVar[bool] = False
    once: ClassVar[bool] = False
    blocks: ClassVar[bool] = False

    @abstractmethod
    def score(self, head: Head) -> float:
        """Say how sure the beginning of a file makes it that the file is of this format: 0 (no) to 1 (certainly)."""

    @abstractmethod
    def read(self, source: Source, path: str = "") -> Iterator[FileRow]:
        """Give what the file says, in its order; comments and blank lines are nothing.

        ``path`` tells, in a document, where the list of reports is. Raises ``UnreadableFile``.
        """

    @abstractmethod
    def examples(self) -> Iterable[Example]:
        """Give examples, one at least of each rule."""

    def write(self, reports: Iterable[Report], out: BinaryIO) -> int:
        """Write those of ``reports`` that the format can say, and tell how many these were."""
        raise UnknownFormat(f"the format {self.name} is read, not written")

    def copy(self, objects: Iterable[Mapping[str, Any]], out: BinaryIO) -> int:
        """Write STIX objects as they are, as far as the format takes them, and tell how many indicators these were."""
        raise UnknownFormat(f"the format {self.name} is not made of STIX objects")

    def write_folder(self, reports: Iterable[Report], folder: Path) -> int:
        """Write those of ``reports`` that the format can say into ``folder``, and tell how many these were.

        What an earlier call wrote there is replaced; whoever reads meanwhile finds the old or the new.
        """
        raise UnknownFormat(f"the format {self.name} is no folder")
