"""Sheets of workbooks (ECMA-376 Part 1 §18.3): their rows of cells, and the texts that cells share."""

import re
from array import array
from collections.abc import Iterable
from functools import lru_cache
from tempfile import TemporaryFile

from feeds.readers import xml_stream
from feeds.readers.cells import NumberStyle, number_text

_MOST_COLUMNS = 16_384
_PLACE = re.compile(r"([A-Z]{1,3})\d*")


class SharedStrings:
    """The texts that cells refer to by number, kept in a temporary file."""

    def __init__(self, blocks: Iterable[bytes]) -> None:
        """Read the part of a workbook with its shared texts."""
        self._file = TemporaryFile(prefix="scamfeed-")  # noqa: SIM115 - closed by close()
        self._ends = array("Q", [0])
        self.at = lru_cache(4096)(self._at)
        try:
            self._fill(xml_stream.pieces(blocks, _Texts()) if blocks else ())
        except BaseException:  # without an object, no caller can close the file
            self._file.close()
            raise

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


class _Texts(xml_stream.Gatherer[str]):
    """Gathers shared texts; their phonetic guide (``rPh``) is no part of them."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: list[str] = []
        self._reading = False
        self._phonetic = False

    def begin(self, name: str, attributes: dict[str, str]) -> None:
        self._phonetic = self._phonetic or name == "rPh"
        self._reading = name == "t" and not self._phonetic

    def data(self, text: str) -> None:
        if self._reading:
            self._parts.append(text)

    def finish(self, name: str) -> None:
        self._reading = False
        if name == "rPh":
            self._phonetic = False
        elif name == "si":
            self.found.append("".join(self._parts))
            self._parts.clear()


class SheetRows(xml_stream.Gatherer[tuple[int, list[str]]]):
    """Gathers the rows of a sheet."""

    def __init__(self, strings: SharedStrings, styles: list[NumberStyle]) -> None:
        """Start above the first row."""
        super().__init__()
        self._strings, self._styles = strings, styles
        self._row, self._column = 0, -1
        self._cells: list[str] = []
        self._parts: list[str] = []
        self._type, self._style = "n", 0
        self._reading = False
        self._phonetic = False

    def begin(self, name: str, attributes: dict[str, str]) -> None:
        """Record place, type and style of a cell, and the number of a row."""
        if name == "c":
            place = _PLACE.match(attributes.get("r", ""))
            self._column = _number(place[1]) if place else self._column + 1
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
                self._cells[self._column :] = [text]
            self._parts.clear()
        elif name == "row" and self._cells:
            self.found.append((max(self._row, 1), self._cells))
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


def _number(letters: str) -> int:
    """Return the number of a column, from 0, by its letters in Excel."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1
