"""Word documents (.docx)."""

from collections.abc import Iterable
from io import BytesIO
from typing import ClassVar
from zipfile import ZIP_DEFLATED, ZipFile

from feeds.format import DocumentFormat, Example, Head

_ZIP = b"PK\x03\x04"


class WordDocument(DocumentFormat):
    """The tables of a document by their headers, and its paragraphs as prose."""

    name: ClassVar[str] = "word"
    endings: ClassVar[tuple[str, ...]] = ("docx", "docm")
    binary: ClassVar[bool] = True
    reader: ClassVar[str] = "word"

    def score(self, head: Head) -> float:
        """Return a high score for an archive with the parts of a document."""
        return 0.95 if head.magic.startswith(_ZIP) and "word/" in head.text else 0

    def examples(self) -> Iterable[Example]:
        body = _paragraph("Accounts of these scams:") + _table(
            [["Bank", "Account number"], ["KBANK", "123-4-56789-0"], ["SCB", "123-456789-0"]]
        )
        yield Example(
            build_document(body),
            [
                {"account_number": "123-4-56789-0", "bank": "KBANK", "kind": "bank-account"},
                {"account_number": "123-456789-0", "bank": "SCB", "kind": "bank-account"},
            ],
        )


_MAIN = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_TYPES = (
    '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" '
    'ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/word/document.xml" '
    'ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>'
)
_RELATIONS = (
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r" Type='
    '"http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/>'
    "</Relationships>"
)


def build_document(body: str) -> bytes:
    """Return a document with this body in WordprocessingML."""
    out = BytesIO()
    with ZipFile(out, "w", ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", _TYPES)
        archive.writestr("_rels/.rels", _RELATIONS)
        archive.writestr("word/document.xml", f'<w:document xmlns:w="{_MAIN}"><w:body>{body}</w:body></w:document>')
    return out.getvalue()


def _paragraph(text: str) -> str:
    return f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>"


def _table(rows: list[list[str]]) -> str:
    lines = "".join(
        f"<w:tr>{''.join(f'<w:tc><w:tcPr/>{_paragraph(cell)}</w:tc>' for cell in row)}</w:tr>" for row in rows
    )
    grid = "<w:gridCol/>" * len(rows[0])
    return f"<w:tbl><w:tblPr/><w:tblGrid>{grid}</w:tblGrid>{lines}</w:tbl>"
