"""PDF documents: the tables and lines of each page."""

import unicodedata
from collections.abc import Iterator
from typing import Any

import pdfplumber

from feeds.errors import UnreadableFile
from feeds.readers.documents.parts import Part, Table, Text, UnreadPart

_MOST_PAGES = 500
_OCR = ("needs-ocr", "the page is a picture without text: recognise its text first (OCR), or type its values")


def parts(path: str, name: str) -> Iterator[Part]:
    """Yield the text and the tables of each page; a scanned page is named. Raises ``UnreadableFile``."""
    with pdfplumber.open(path) as document:
        if len(document.pages) > _MOST_PAGES:
            raise UnreadableFile(f"this document has more than {_MOST_PAGES} pages: split it")
        line, scanned = 1, 0
        for number, page in enumerate(document.pages, 1):
            name = f"page {number}"
            found = list(_of_page(page, line, name))
            line += sum(len(part.rows if isinstance(part, Table) else part.lines) for part in found)
            if not found and page.images:
                scanned += 1
                yield UnreadPart(number, name, *_OCR, name)
            yield from found
            page.close()
        if scanned == len(document.pages):
            raise UnreadableFile(f"this document is a scan: {_OCR[1]}")


def _of_page(whole: Any, line: int, name: str) -> Iterator[Table | Text]:
    page = with_marks_joined(whole)
    tables = [(table, _cells(table)) for table in page.find_tables()]
    tables = [(table, cells) for table, cells in tables if len(cells) > 1 and len(cells[0]) > 1]
    rest = page
    for table, _ in tables:
        rest = rest.outside_bbox(table.bbox, strict=False) if _is_inside(rest, table.bbox) else rest
    text = rest.extract_text(x_tolerance=2) or ""
    if text.strip():
        lines = text.split("\n")
        yield Text(line, [*lines, ""], name)
        line += len(lines) + 1
    for _, cells in tables:
        yield Table([(line + place, row) for place, row in enumerate(cells)], name)
        line += len(cells)


def with_marks_joined(page: Any) -> Any:
    """Return a page with each mark above or below a letter, as of Thai, joined to the letter that it follows.

    Some programs place a mark left of its letter, so that the order of places is not that of the text.
    """
    marks = set[int]()
    letter: Any = None
    for char in page.chars:
        if letter is not None and unicodedata.category(char["text"][:1] or " ") == "Mn":
            letter["text"] += char["text"]
            marks.add(id(char))
        else:
            letter = char
    return page.filter(lambda thing: id(thing) not in marks) if marks else page


def _is_inside(page: Any, box: tuple[float, float, float, float]) -> bool:
    """Return whether a table is a part of the page, and not its whole frame."""
    return (box[2] - box[0]) * (box[3] - box[1]) < float(page.width * page.height) * 0.98


def _cells(table: Any) -> list[list[str]]:
    return [[" ".join((cell or "").split("\n")).strip() for cell in row] for row in table.extract(x_tolerance=2)]
