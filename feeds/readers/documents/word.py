"""Word documents (.docx): their paragraphs and tables in order."""

from collections.abc import Iterator
from itertools import count

from docx import Document
from docx.table import Table as WordTable

from feeds.errors import UnreadableFile
from feeds.readers.documents import zipped
from feeds.readers.documents.parts import Part, Table, Text, UnreadPart


def parts(path: str, name: str) -> Iterator[Part]:
    """Yield the tables and paragraphs of a document. Raises ``UnreadableFile``."""
    names = {info.filename for info in zipped.checked(path)}
    if "word/document.xml" not in names:
        raise UnreadableFile("this is not a Word document (.docx)")
    numbers = count(1)
    found = False
    for block in Document(path).iter_inner_content():
        if isinstance(block, WordTable):
            rows = [(next(numbers), [cell.text.strip() for cell in row.cells]) for row in block.rows]
            found = found or bool(rows)
            yield Table(rows)
        else:
            lines = block.text.split("\n")
            found = found or any(map(str.strip, lines))
            yield Text(next(numbers), [*lines, ""])
    if any(part.startswith("word/media/") for part in names):
        yield UnreadPart(0, "", "picture", "the document has pictures, which are not read: type what they show")
    elif not found:
        raise UnreadableFile("this document has no text")
