"""Excel workbooks (.xlsx) and their sheets (ECMA-376 Part 1 §18), row by row.

Memory grows neither with the sheets nor with their unpacked size.
"""

import posixpath
import re
import zlib
from array import array
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from io import SEEK_END
from tempfile import TemporaryFile
from typing import Any, BinaryIO, NamedTuple
from zipfile import BadZipFile, ZipFile

from defusedxml.ElementTree import fromstring

from feeds.closing import closed_on_error
from feeds.errors import UnreadableFile
from feeds.readers import not_shown, streams
from feeds.readers.layout import Cells
from feeds.readers.not_shown import HiddenCells
from feeds.readers.rows import NumberStyle, Unreadable, number_text
from feeds.readers.source import unpacked_limit
from feeds.readers.streams import local

_LARGEST = 2 << 30
_LARGEST_PART = 16 << 20
# People merge cells in sheets of some thousand rows. The list of merged cells is at the end of a sheet.
_LARGEST_MERGED = 8 << 20
_LONGEST_END = 1 << 20
_MERGED = re.compile(r'<(?:\w+:)?mergeCell\b[^>]*?\bref="([A-Z]{1,3})(\d{1,7}):[A-Z]{1,3}(\d{1,7})"')
_MOST_FILES = 10_000
_BLOCK = 65_536
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_STRICT_RELATION = "{http://purl.oclc.org/ooxml/officeDocument/relationships}id"
_OTHERS = {
    "xl/workbook.bin": "a binary Excel workbook (.xlsb): save it as .xlsx or CSV",
    "content.xml": "an OpenDocument file: save it as .xlsx or CSV",
    "word/document.xml": "a Word document: save it as text, or copy its values into a list",
}
_DAMAGES = (BadZipFile, zlib.error, EOFError, KeyError, ValueError, NotImplementedError, RuntimeError, OSError)


class Sheet(NamedTuple):
    """A sheet: its name, whether it is visible, and its part of the archive."""

    name: str
    visible: bool
    part: str


class Merged(NamedTuple):
    """Cells of one column that are merged: the numbers of the first and the last row, and that of the column."""

    top: int
    bottom: int
    column: int


def filled_down(rows: Iterable[tuple[int, list[str]]], merged: Iterable[Merged]) -> Iterator[tuple[int, list[str]]]:
    """Yield rows with the text of merged cells in each row of them."""
    waiting = {(cell.top, cell.column): cell.bottom for cell in merged}
    if not waiting:
        yield from rows
        return
    tops = {top for top, _ in waiting}
    open_: dict[int, tuple[int, str]] = {}
    for number, cells in rows:
        for column, (bottom, text) in list(open_.items()):
            if number > bottom:
                del open_[column]
            else:
                cells.extend([""] * (column + 1 - len(cells)))
                cells[column] = cells[column] or text
        if number in tops:
            open_ |= {
                column: (bottom, cells[column])
                for (top, column), bottom in waiting.items()
                if top == number and column < len(cells)
            }
        yield number, cells


class Workbook:
    """The sheets of a workbook on disk. Raises ``UnreadableFile`` if it is damaged or not a workbook."""

    def __init__(self, file: BinaryIO) -> None:
        """Read the list of sheets, the styles and the shared texts."""
        try:
            self._archive = ZipFile(file)
            names = self._archive.namelist()
        except _DAMAGES as error:
            raise UnreadableFile("this is not text but a damaged archive or workbook: fetch the file again") from error
        main = next((name for name in names if name.endswith("/workbook.xml")), None)
        if main is None:
            others = (what for part, what in _OTHERS.items() if part in names)
            raise UnreadableFile(f"this is not text but {next(others, 'a ZIP archive: unpack it')}")
        unzipped, zipped = sum(info.file_size for info in self._archive.infolist()), file.seek(0, SEEK_END)
        if len(names) > _MOST_FILES or unzipped > _LARGEST:
            raise UnreadableFile(f"this workbook unzips to more than {_LARGEST >> 30} GiB: split it, or save it as CSV")
        if unzipped > unpacked_limit(zipped):
            raise UnreadableFile("this workbook unzips to far more than any list of values: save it as CSV")
        root = self._part(main)
        kinds = self._relations(main)
        self.sheets = [
            Sheet(element.get("name", ""), element.get("state", "visible") == "visible", part)
            for element in root.iter()
            if local(element.tag) == "sheet"
            and (part := kinds.get(element.get(_RELATION) or element.get(_STRICT_RELATION) or "", ("", ""))[1])
        ]
        since_1904 = any(
            element.get("date1904") in ("1", "true") for element in root.iter() if local(element.tag) == "workbookPr"
        )
        parts = dict(kinds.values())
        self._styles, self._struck = self._read_styles(parts.get("styles", ""), since_1904)
        self._strings = SharedStrings(self._stream(parts["sharedStrings"]) if "sharedStrings" in parts else ())

    def close(self) -> None:
        """Close the files."""
        self._strings.close()
        self._archive.close()

    def rows(self, sheet: Sheet) -> Iterator[Cells | Unreadable]:
        """Yield number and cells of each row that has any, as texts; dates in ISO 8601, struck text marked as such.

        The text of cells that are merged downwards is repeated in each of their rows, except in very large sheets.
        Hidden values and comments are unreadable.
        """
        hidden = HiddenCells(self._comments(sheet))
        gatherer = SheetRows(self._strings, self._styles, self._struck, hidden)
        try:
            rows = streams.pieces(self._stream(sheet.part), gatherer)
            yield from hidden.shown(filled_down(rows, self._merged(sheet)))
        except _DAMAGES as error:
            if isinstance(error, UnreadableFile):
                raise
            raise _damaged() from error

    def _merged(self, sheet: Sheet) -> list[Merged]:
        """Return the cells of a sheet that are merged downwards: they are listed after its rows."""
        if self._archive.getinfo(sheet.part).file_size > _LARGEST_MERGED:
            return []
        end = b""
        for block in self._stream(sheet.part):
            end = (end + block)[-_LONGEST_END:]
        found = (match.groups() for match in _MERGED.finditer(end.decode("utf-8", "replace")))
        return [Merged(int(top), int(bottom), _column_number(left)) for left, top, bottom in found if top != bottom]

    def _comments(self, sheet: Sheet) -> dict[int, dict[int, str]]:
        """Return the comments on the cells of a sheet, by row and column."""
        part = dict(self._relations(sheet.part).values()).get("comments", "")
        found: dict[int, dict[int, str]] = {}
        for element in self._part(part).iter() if part in self._archive.NameToInfo else ():
            if local(element.tag) == "comment" and (place := _CELL.fullmatch(element.get("ref", ""))):
                texts = (text.text or "" for text in element.iter() if local(text.tag) == "t")
                found.setdefault(int(place[2]), {})[_column_number(place[1])] = " ".join("".join(texts).split())
        return found

    def _stream(self, part: str) -> Iterator[bytes]:
        try:
            with self._archive.open(part) as stream:
                while block := stream.read(_BLOCK):
                    yield block
        except _DAMAGES as error:
            raise _damaged() from error

    def _part(self, name: str) -> Any:
        """Return a small part of the archive as a tree."""
        data = b""
        for block in self._stream(name):
            data += block
            if len(data) > _LARGEST_PART:
                raise UnreadableFile("the description of this workbook is unusually large: save it as CSV")
        for _ in streams.pieces([data], streams.Gatherer[None]()):  # refuses entities and deep nesting
            pass
        return fromstring(data)

    def _relations(self, main: str) -> Mapping[str, tuple[str, str]]:
        """Return type and part of the relations of a part by their id."""
        folder = posixpath.dirname(main)
        path = f"{folder}/_rels/{posixpath.basename(main)}.rels"
        found = {}
        for element in self._part(path) if path in self._archive.NameToInfo else ():
            kind, target = element.get("Type", "").rpartition("/")[2], element.get("Target", "")
            found[element.get("Id", "")] = (
                kind,
                posixpath.normpath(posixpath.join("/", folder, target)).lstrip("/"),
            )
        return found

    def _read_styles(self, part: str, since_1904: bool) -> tuple[list[NumberStyle], frozenset[int]]:
        """Return the number styles by the index that cells refer to, and the indexes of struck styles."""
        if not part:
            return [NumberStyle.of("", 0, since_1904)], frozenset()
        root = self._part(part)
        codes = {
            element.get("numFmtId", ""): element.get("formatCode", "")
            for element in root.iter()
            if local(element.tag) == "numFmt"
        }
        formats = (element for element in root if local(element.tag) == "cellXfs")
        cells = list(next(formats, ()))
        ids = [element.get("numFmtId", "0") for element in cells]
        fonts = next((element for element in root if local(element.tag) == "fonts"), ())
        struck = {
            str(place)
            for place, font in enumerate(fonts)
            if any(local(element.tag) == "strike" and _is_on(element.get("val", "1")) for element in font)
        }
        styles = [
            NumberStyle.of(codes.get(number, ""), int(number) if number.isdecimal() else 0, since_1904)
            for number in ids
        ]
        return styles, frozenset(place for place, cell in enumerate(cells) if cell.get("fontId") in struck)


def _damaged() -> UnreadableFile:
    return UnreadableFile("the workbook is damaged or protected by a password: save it again, without a password")


_MOST_COLUMNS = 16_384
_PLACE = re.compile(r"([A-Z]{1,3})\d*")
_CELL = re.compile(r"([A-Z]{1,3})(\d{1,7})")


def _is_on(value: str) -> bool:
    return value in ("1", "true", "on")


class SharedStrings:
    """The texts that cells refer to by number, stored in a temporary file."""

    def __init__(self, blocks: Iterable[bytes]) -> None:
        self._file = TemporaryFile(prefix="scamfeed-")  # noqa: SIM115 - closed by close()
        self._ends = array("Q", [0])
        self.at = lru_cache(4096)(self._at)
        with closed_on_error(self._file):
            self._fill(streams.pieces(blocks, _SharedTexts()) if blocks else ())

    def _fill(self, texts: Iterable[str]) -> None:
        for text in texts:
            data = text.encode("utf-8", "replace")
            self._file.write(data)
            self._ends.append(self._ends[-1] + len(data))

    def close(self) -> None:
        """Close the temporary file."""
        self._file.close()

    def _at(self, number: int) -> str:
        if not 0 <= number < len(self._ends) - 1:
            return ""
        self._file.seek(self._ends[number])
        return self._file.read(self._ends[number + 1] - self._ends[number]).decode()


class _SharedTexts(streams.Gatherer[str]):
    """Gathers shared texts, without their phonetic guide (``rPh``), and with marks around struck text."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: list[str] = []
        self._reading = self._phonetic = self._struck = False

    def begin(self, name: str, attributes: dict[str, str]) -> None:
        self._phonetic = self._phonetic or name == "rPh"
        self._reading = name == "t" and not self._phonetic
        if name == "strike":
            self._struck = _is_on(attributes.get("val", "1"))

    def data(self, text: str) -> None:
        if self._reading:
            self._parts.append(not_shown.struck(text) if self._struck else text)

    def finish(self, name: str) -> None:
        self._reading = False
        if name == "rPh":
            self._phonetic = False
        elif name == "r":
            self._struck = False
        elif name == "si":
            self.found.append("".join(self._parts))
            self._parts.clear()


class SheetRows(streams.Gatherer[tuple[int, list[str]]]):
    """Gathers the rows of a sheet."""

    def __init__(
        self, strings: SharedStrings, styles: list[NumberStyle], struck: frozenset[int], hidden: HiddenCells
    ) -> None:
        super().__init__()
        self._strings, self._styles = strings, styles
        self._struck, self._hidden = struck, hidden
        self._row, self._column, self._row_is_hidden = 0, -1, False
        self._cells: list[str] = []
        self._parts: list[str] = []
        self._type, self._style = "n", 0
        self._reading = False
        self._phonetic = False

    def begin(self, name: str, attributes: dict[str, str]) -> None:
        """Record place, type and style of a cell, the number of a row, and what is hidden."""
        if name == "c":
            place = _PLACE.match(attributes.get("r", ""))
            self._column = _column_number(place[1]) if place else self._column + 1
            self._type, style = attributes.get("t", "n"), attributes.get("s", "")
            self._style = int(style) if style.isdecimal() else 0
        elif name in ("v", "t"):
            self._reading = not self._phonetic
        elif name == "rPh":
            self._phonetic = True
        elif name == "row":
            number = attributes.get("r", "")
            self._row = int(number) if number.isdecimal() and len(number) < 10 else self._row + 1
            self._column = -1
            self._row_is_hidden = _is_on(attributes.get("hidden", ""))
        elif name == "col" and _is_on(attributes.get("hidden", "")):
            first, last = attributes.get("min", ""), attributes.get("max", "")
            if first.isdecimal() and last.isdecimal():
                self._hidden.hide_columns(range(int(first) - 1, min(int(last), _MOST_COLUMNS)))

    def data(self, text: str) -> None:
        """Collect the text of a cell, without its formula."""
        if self._reading:
            self._parts.append(text)

    def finish(self, name: str) -> None:
        """Add a cell to its row, and a row to ``found``."""
        if name in ("v", "t"):
            self._reading = False
        elif name == "rPh":
            self._phonetic = False
        elif name == "c":
            if self._parts and (text := self._text("".join(self._parts))) and self._column < _MOST_COLUMNS:
                self._cells.extend([""] * (self._column - len(self._cells)))
                self._cells[self._column :] = [not_shown.struck(text) if self._style in self._struck else text]
            self._parts.clear()
        elif name == "row" and self._cells:
            number = max(self._row, 1)
            if self._row_is_hidden:
                self._hidden.hide_row(number)
            self.found.append((number, self._cells))
            self._cells = []

    def _text(self, raw: str) -> str:
        if self._type == "s":
            return self._strings.at(int(raw)).strip() if raw.isdecimal() and len(raw) < 10 else ""
        if self._type in ("str", "inlineStr"):
            return raw.strip()
        if self._type == "b":
            return "true" if raw.strip() == "1" else "false"
        if self._type == "e":
            return ""
        if self._type == "d":
            return raw.strip()
        return number_text(raw, self._styles[self._style] if self._style < len(self._styles) else None)


def _column_number(letters: str) -> int:
    """Return the number of a column, from 0, by its letters in Excel."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1
