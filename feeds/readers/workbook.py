"""Excel workbooks (.xlsx), row by row: memory grows neither with the sheets nor with their unpacked size."""

import posixpath
import zlib
from collections.abc import Iterator, Mapping
from io import SEEK_END
from typing import Any, BinaryIO, NamedTuple
from zipfile import BadZipFile, ZipFile

from defusedxml.ElementTree import fromstring

from feeds.errors import UnreadableFile
from feeds.readers import xml_stream
from feeds.readers.cells import NumberStyle
from feeds.readers.sheet import SharedStrings, SheetRows
from feeds.readers.source import unpacked_limit
from feeds.readers.xml_stream import local

_LARGEST = 2 << 30
_LARGEST_PART = 16 << 20
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
    """A sheet: its name, whether people see it, and its part of the archive."""

    name: str
    visible: bool
    part: str


class Workbook:
    """The sheets of a workbook on disk. Raises ``UnreadableFile`` wherever it is damaged or no workbook."""

    def __init__(self, file: BinaryIO) -> None:
        """Read the list of sheets, the styles and the shared texts."""
        try:
            self._archive = ZipFile(file)
            names = self._archive.namelist()
        except _DAMAGES as error:
            raise UnreadableFile("this is no text but a damaged archive or workbook: fetch the file again") from error
        main = next((name for name in names if name.endswith("/workbook.xml")), None)
        if main is None:
            others = (what for part, what in _OTHERS.items() if part in names)
            raise UnreadableFile(f"this is no text but {next(others, 'a ZIP archive: unpack it')}")
        unzipped, zipped = sum(info.file_size for info in self._archive.infolist()), file.seek(0, SEEK_END)
        if len(names) > _MOST_FILES or unzipped > _LARGEST:
            raise UnreadableFile(f"this workbook unzips to more than {_LARGEST >> 30} GiB: split it, or save it as CSV")
        if unzipped > unpacked_limit(zipped):
            raise UnreadableFile("this workbook unzips to far more than any list of values does: save it as CSV")
        self._folder = posixpath.dirname(main)
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
        self._styles = self._read_styles(parts.get("styles", ""), since_1904)
        self._strings = SharedStrings(self._stream(parts["sharedStrings"]) if "sharedStrings" in parts else ())

    def close(self) -> None:
        """Close the files."""
        self._strings.close()
        self._archive.close()

    def rows(self, sheet: Sheet) -> Iterator[tuple[int, list[str]]]:
        """Yield number and cells of each row that has any, as texts; dates in ISO 8601."""
        gatherer = SheetRows(self._strings, self._styles)
        try:
            yield from xml_stream.pieces(self._stream(sheet.part), gatherer)
        except _DAMAGES as error:
            if isinstance(error, UnreadableFile):
                raise
            raise _damaged() from error

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
                raise UnreadableFile(
                    "the description of this workbook is larger than that of any other: save it as CSV"
                )
        for _ in xml_stream.pieces([data], xml_stream.Gatherer[None]()):  # refuses entities, and too deep a nesting
            pass
        return fromstring(data)

    def _relations(self, main: str) -> Mapping[str, tuple[str, str]]:
        """Return type and part of the workbook's relations by their id."""
        path = f"{self._folder}/_rels/{posixpath.basename(main)}.rels"
        found = {}
        for element in self._part(path):
            kind, target = element.get("Type", "").rpartition("/")[2], element.get("Target", "")
            found[element.get("Id", "")] = (
                kind,
                posixpath.normpath(posixpath.join("/", self._folder, target)).lstrip("/"),
            )
        return found

    def _read_styles(self, part: str, since_1904: bool) -> list[NumberStyle]:
        """Return the number styles by the index that cells refer to."""
        if not part:
            return [NumberStyle.of("", 0, since_1904)]
        root = self._part(part)
        codes = {
            element.get("numFmtId", ""): element.get("formatCode", "")
            for element in root.iter()
            if local(element.tag) == "numFmt"
        }
        formats = (element for element in root if local(element.tag) == "cellXfs")
        ids = [element.get("numFmtId", "0") for element in next(formats, ())]
        return [
            NumberStyle.of(codes.get(number, ""), int(number) if number.isdecimal() else 0, since_1904)
            for number in ids
        ]


def _damaged() -> UnreadableFile:
    return UnreadableFile("the workbook is damaged or protected by a password: save it anew, without a password")
