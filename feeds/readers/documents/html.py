"""Web pages: their tables, their text, and their links."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lxml import etree, html

from feeds.errors import UnreadableFile
from feeds.readers.documents.parts import Part, Table, Text, UnreadPart
from feeds.readers.not_shown import HIDDEN_TEXT, struck

_SKIPPED = frozenset({"head", "script", "style", "noscript", "template", "svg", "nav", "footer", "iframe", "object"})
_BLOCKS = frozenset(
    """address article aside blockquote body dd details dialog div dl dt fieldset figcaption figure form header hr li
    main h1 h2 h3 h4 h5 h6 ol option p pre section summary table tbody td tfoot th thead tr ul""".split()  # noqa: SIM905
)
# Beginnings of lines in Markdown.
_BEGINS = {f"h{level}": "#" * level + " " for level in range(1, 7)} | {"li": "- "}
_STRUCK = frozenset({"s", "del", "strike"})
_MAY_BE_VALUE = re.compile(r"(?:\D*\d){4}|@\w|\w[.\]]+\w{2}")
_MOST_SPAN = 200
_SCHEME = re.compile(r"https?://", re.IGNORECASE)
_NOTHING = "this web page has no table, no text and no link: open it in a browser, and save what it shows"


def parts(path: str, name: str) -> Iterator[Part]:
    """Yield the tables and the text of a page; links as in Markdown. Raises ``UnreadableFile``."""
    yield from parts_of_page(Path(path).read_bytes())


def parts_of_page(data: bytes, line: int = 1) -> Iterator[Table | Text | UnreadPart]:
    """Yield the tables and the text of a page, the first on a ``line``. Raises ``UnreadableFile``."""
    parser = html.HTMLParser(
        huge_tree=False, no_network=True, remove_comments=True, remove_pis=True, encoding=_encoding_of(data)
    )
    try:
        root = html.document_fromstring(data, parser=parser)
    except (etree.ParserError, etree.XMLSyntaxError) as error:
        raise UnreadableFile(_NOTHING) from error
    if any(entry.level >= etree.ErrorLevels.FATAL for entry in parser.error_log):
        raise UnreadableFile("this web page is nested deeper than any browser shows: save its text")
    found = False
    yield from _without_hidden(root)
    for part in _Page(line).parts(root):
        found = found or isinstance(part, Table) or any(map(str.strip, part.lines))
        yield part
    if not found:
        raise UnreadableFile(_NOTHING)


def _encoding_of(data: bytes) -> str | None:
    """Return UTF-8 if the bytes of a page are valid in it, else None: the page may name its encoding."""
    try:
        data.decode()
    except UnicodeDecodeError:
        return None
    return "utf-8"


class _Page:
    """Collects the lines of a page up to its next table."""

    def __init__(self, line: int) -> None:
        self._line = line
        self._lines: list[str] = []
        self._words: list[str] = []

    def parts(self, root: Any) -> Iterator[Table | Text]:
        """Yield the parts below an element, in order."""
        yield from self._below(root)
        self._break()
        yield from self._text()

    def _below(self, element: Any) -> Iterator[Table | Text]:
        tag = element.tag if isinstance(element.tag, str) else ""
        if tag in _SKIPPED or not tag:
            return
        if tag == "table" and (rows := _rows(element)) is not None:
            caption = " ".join(" ".join(each.text_content() for each in element.xpath("./caption")).split())
            yield from self._table(rows, caption)
            return
        if tag == "a":
            self._words.append(_link(element))
            return
        if tag in _BLOCKS or tag == "br":
            self._break()
        self._words += [_BEGINS.get(tag, ""), element.text or ""]
        for child in element:
            yield from self._below(child)
            self._words.append(child.tail or "")
        if tag in _BLOCKS:
            self._break()

    def _table(self, rows: list[list[str]], caption: str) -> Iterator[Table | Text]:
        self._break()
        yield from self._text()
        yield Table([(self._line + place, row) for place, row in enumerate(rows)], caption)
        self._line += len(rows)

    def _break(self) -> None:
        line = " ".join("".join(self._words).split())
        self._words.clear()
        if line:
            self._lines.append(line)

    def _text(self) -> Iterator[Text]:
        if self._lines:
            yield Text(self._line, [*self._lines, ""])
            self._line += len(self._lines) + 1
            self._lines = []


def _without_hidden(root: Any) -> Iterator[UnreadPart]:
    """Remove the hidden parts of a page, and yield those that may have a value; mark struck text."""
    for element in list(root.iter(etree.Element)):
        if element.tag in _SKIPPED or element.getparent() is None:
            continue
        style = (element.get("style") or "").replace(" ", "").lower()
        if "display:none" in style or "visibility:hidden" in style or element.get("hidden") is not None:
            text = " ".join(element.text_content().split())
            if _MAY_BE_VALUE.search(text):
                yield UnreadPart(element.sourceline or 0, text, *HIDDEN_TEXT)
            element.drop_tree()
        elif element.tag in _STRUCK or "line-through" in style:
            text = " ".join(element.text_content().split())
            for child in list(element):
                element.remove(child)
            element.text = struck(text)


def _link(element: Any) -> str:
    """Return a link as its words, and its address where they do not show it."""
    words = " ".join(element.text_content().split())
    address = (element.get("href") or "").strip()
    if not address.startswith(("http://", "https://", "hxxp")) or not words:
        return words
    shown = address.rstrip("/") in words or _SCHEME.sub("", address).rstrip("/") == words.rstrip("/")
    return words if shown else f"[{words}]({address})"


def _rows(table: Any) -> list[list[str]] | None:
    """Return the cells of a table with merged cells filled; None for a table that only lays out the page."""
    if table.xpath(".//table") or table.get("role") == "presentation":
        return None
    rows: list[list[str]] = []
    waiting: dict[int, tuple[int, str]] = {}
    for row in table.xpath(".//tr"):
        cells: list[str] = []
        for cell in row.xpath("./td|./th"):
            _fill(cells, waiting)
            text = " ".join(cell.text_content().split())
            for _ in range(_span(cell, "colspan")):
                if (down := _span(cell, "rowspan")) > 1:
                    waiting[len(cells)] = (down - 1, text)
                cells.append(text)
        _fill(cells, waiting)
        if any(cells):
            rows.append(cells)
    return rows if len(rows) > 1 and max(map(len, rows)) > 1 else None


def _fill(cells: list[str], waiting: dict[int, tuple[int, str]]) -> None:
    """Repeat the cells of rows above that reach down to this one."""
    while (place := len(cells)) in waiting:
        left, text = waiting.pop(place)
        cells.append(text)
        if left > 1:
            waiting[place] = (left - 1, text)


def _span(cell: Any, name: str) -> int:
    text = cell.get(name) or ""
    return min(int(text), _MOST_SPAN) if text.isdecimal() and len(text) < 5 and int(text) else 1
