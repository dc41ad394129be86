"""Word documents (.docx): their paragraphs and tables in order."""

from collections.abc import Iterator
from itertools import count
from typing import Any

from docx import Document
from docx.oxml.ns import qn
from docx.table import Table as WordTable

from feeds.errors import UnreadableFile
from feeds.readers.documents import zipped
from feeds.readers.documents.parts import Part, Table, Text, UnreadPart
from feeds.readers.not_shown import COMMENT, HIDDEN_TEXT, STRUCK, struck

_OFF = frozenset({"0", "false", "off"})


def parts(path: str, name: str) -> Iterator[Part]:
    """Yield the tables and paragraphs of a document. Raises ``UnreadableFile``."""
    names = {info.filename for info in zipped.checked(path)}
    if "word/document.xml" not in names:
        raise UnreadableFile("this is not a Word document (.docx)")
    numbers = count(1)
    found = False
    document = Document(path)
    yield from _without_hidden(document.element.body)
    for block in document.iter_inner_content():
        if isinstance(block, WordTable):
            rows = [(next(numbers), [cell.text.strip() for cell in row.cells]) for row in block.rows]
            found = found or bool(rows)
            yield Table(rows)
        else:
            lines = block.text.split("\n")
            found = found or any(map(str.strip, lines))
            yield Text(next(numbers), [*lines, ""])
    for comment in document.comments if "word/comments.xml" in names else ():
        yield UnreadPart(0, comment.text, *COMMENT)
    if any(part.startswith("word/media/") for part in names):
        yield UnreadPart(0, "", "picture", "the document has pictures, which are not read: type what they show")
    elif not found:
        raise UnreadableFile("this document has no text")


def _without_hidden(body: Any) -> Iterator[UnreadPart]:
    """Remove hidden and deleted text, and yield it; mark struck text, and read inserted text."""
    for inserted in list(body.iter(qn("w:ins"))):
        for run in inserted.findall(qn("w:r")):
            inserted.addprevious(run)
    for deleted in body.iter(qn("w:del")):
        if text := "".join(part.text or "" for part in deleted.iter(qn("w:delText"))).strip():
            yield UnreadPart(0, text, *STRUCK)
    for run in body.iter(qn("w:r")):
        if hidden := _hidden_text(run):
            yield UnreadPart(0, hidden, *HIDDEN_TEXT)


def _hidden_text(run: Any) -> str:
    """Remove the text of a hidden run and return it; mark the text of a struck one."""
    texts = [part for part in run.iter(qn("w:t")) if part.text]
    if not texts:
        return ""
    hidden = ""
    if _has(run, "w:vanish"):
        hidden = "".join(part.text for part in texts)
        for part in texts:
            part.text = ""
    elif _has(run, "w:strike") or _has(run, "w:dstrike"):
        for part in texts:
            part.text = struck(part.text)
    return hidden


def _has(run: Any, name: str) -> bool:
    """Return whether a run of text has a property of this name."""
    found = run.find(f"{qn('w:rPr')}/{qn(name)}")
    return found is not None and found.get(qn("w:val"), "1") not in _OFF
