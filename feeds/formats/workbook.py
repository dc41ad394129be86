"""Workbooks in older and open formats (.xls, .xlsb, .ods)."""

from collections.abc import Iterable, Sequence
from io import BytesIO
from typing import ClassVar
from zipfile import ZIP_DEFLATED, ZipFile

from feeds.format import DocumentFormat, Example, Head

_ZIP, _COMPOUND = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
_OPEN = "application/vnd.oasis.opendocument.spreadsheet"


class OtherWorkbook(DocumentFormat):
    """The table of each visible sheet, with its header."""

    name: ClassVar[str] = "workbook"
    endings: ClassVar[tuple[str, ...]] = ("xls", "xlsb", "ods")
    binary: ClassVar[bool] = True
    reader: ClassVar[str] = "sheets"

    def score(self, head: Head) -> float:
        """Return a high score for the parts of such an archive, and for a compound file, which a message may be too."""
        if head.magic.startswith(_COMPOUND):
            return 0.9
        return 0.95 if head.magic.startswith(_ZIP) and (_OPEN in head.text or "xl/workbook.bin" in head.text) else 0

    def examples(self) -> Iterable[Example]:
        yield Example(
            build_open_workbook([["Domain", "First seen"], ["a.example.com", "2026-01-01"], ["b.example.com", ""]]),
            [
                {"value": "a.example.com", "kind": "domain", "first_seen": "2026-01-01"},
                {"value": "b.example.com", "kind": "domain"},
            ],
        )


def build_open_workbook(rows: Sequence[Sequence[str]]) -> bytes:
    """Return an OpenDocument workbook with one sheet of texts."""
    names = {"office": "office:1.0", "table": "table:1.0", "text": "text:1.0"}
    spaces = " ".join(f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{urn}"' for name, urn in names.items())
    body = "".join(
        "<table:table-row>"
        + "".join(
            f'<table:table-cell office:value-type="string"><text:p>{cell}</text:p></table:table-cell>' for cell in row
        )
        + "</table:table-row>"
        for row in rows
    )
    out = BytesIO()
    with ZipFile(out, "w", ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", _OPEN, compress_type=0)
        archive.writestr(
            "META-INF/manifest.xml",
            '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">'
            "<manifest:file-entry "
            f'manifest:full-path="/" manifest:media-type="{_OPEN}"/></manifest:manifest>',
        )
        archive.writestr(
            "content.xml",
            f'<office:document-content {spaces} office:version="1.2"><office:body><office:spreadsheet>'
            f'<table:table table:name="Sheet1">{body}</table:table></office:spreadsheet></office:body>'
            "</office:document-content>",
        )
    return out.getvalue()
