"""Excel workbooks."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from io import BytesIO
from typing import ClassVar
from xml.sax.saxutils import escape
from zipfile import ZIP_DEFLATED, ZipFile

from feeds.errors import UnreadableFile
from feeds.format import Example, Format, Head
from feeds.readers import table
from feeds.readers.columns import roles
from feeds.readers.rows import FileRow, Unreadable
from feeds.readers.source import Source
from feeds.readers.workbook import Workbook

_ZIP = b"PK\x03\x04"
_LARGEST = 512 << 20
_HIDDEN = ("hidden-sheet", "a hidden sheet is not read: show it, or select it (--format excel:its-name)")


class Excel(Format):
    """Workbooks: the table of each sheet, with its header; a hidden sheet is read only if it is selected."""

    name: ClassVar[str] = "excel"
    endings: ClassVar[tuple[str, ...]] = ("xlsx", "xlsm", "xltx")
    binary: ClassVar[bool] = True

    def score(self, head: Head) -> float:
        """Return a high score for a ZIP archive, which every workbook is."""
        return 0.9 if head.magic.startswith(_ZIP) else 0

    def read(self, source: Source, path: str = "") -> Iterator[FileRow]:
        """Yield the rows of each sheet, or only of the sheet ``path``."""
        if not source.head.startswith(_ZIP):
            raise UnreadableFile("this is not an Excel workbook: set another format, or none for automatic recognition")
        with source.spooled(_LARGEST) as file, closing(Workbook(file)) as book:
            wanted = [sheet for sheet in book.sheets if not path or sheet.name == path]
            if path and not wanted:
                raise UnreadableFile(f"there is no sheet {path!r}; there are: {', '.join(s.name for s in book.sheets)}")
            for sheet in wanted:
                if sheet.visible or path:
                    of_others = roles.names_others(sheet.name) or roles.is_list_of_others(source.title)
                    yield from table.rows_of_sheet(book.rows(sheet), sheet.name, source.kind, of_others=of_others)
                elif any(True for _ in book.rows(sheet)):
                    yield Unreadable.of(1, sheet.name, *_HIDDEN)._replace(part=sheet.name)

    def examples(self) -> Iterable[Example]:
        return _examples()


_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
# Styles of the examples: none, a date, a date and a time, ten digits.
DATE, MOMENT, TEN_DIGITS = 1, 2, 3
_STYLES = (
    f'<styleSheet xmlns="{_MAIN}"><numFmts><numFmt numFmtId="164" formatCode="[$-409]yyyy\\-mm\\-dd hh:mm"/>'
    '<numFmt numFmtId="165" formatCode="0000000000"/></numFmts><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/>'
    '<xf numFmtId="164"/><xf numFmtId="165"/></cellXfs></styleSheet>'
)

ExampleCell = str | float | tuple[float, int] | None


def build_workbook(
    sheets: Mapping[str, Sequence[Sequence[ExampleCell]]], *, hidden: Sequence[str] = (), shared: bool = True
) -> bytes:
    """Write the cells of ``sheets``: texts, numbers, numbers with a style, and empty cells."""
    strings: dict[str, int] = {}
    out = BytesIO()
    with ZipFile(out, "w", ZIP_DEFLATED) as archive:
        listed = related = ""
        for number, (name, rows) in enumerate(sheets.items(), 1):
            state = ' state="hidden"' if name in hidden else ""
            listed += f'<sheet name="{escape(name)}" sheetId="{number}"{state} r:id="rId{number}"/>'
            related += _example_relation(f"rId{number}", "worksheet", f"worksheets/sheet{number}.xml")
            body = "".join(_example_row(place, row, strings if shared else None) for place, row in enumerate(rows, 1))
            sheet = f'<worksheet xmlns="{_MAIN}"><sheetData>{body}</sheetData></worksheet>'
            archive.writestr(f"xl/worksheets/sheet{number}.xml", sheet)
        related += _example_relation("s", "styles", "styles.xml") + _example_relation(
            "t", "sharedStrings", "/xl/sharedStrings.xml"
        )
        book = f'<workbook xmlns="{_MAIN}" xmlns:r="{_RELATIONS}"><sheets>{listed}</sheets></workbook>'
        archive.writestr("xl/workbook.xml", book)
        archive.writestr("xl/_rels/workbook.xml.rels", f'<Relationships xmlns="{_PACKAGE}">{related}</Relationships>')
        archive.writestr("xl/styles.xml", _STYLES)
        texts = "".join(f"<si><t>{escape(text)}</t></si>" for text in strings)
        archive.writestr("xl/sharedStrings.xml", f'<sst xmlns="{_MAIN}">{texts}</sst>')
    return out.getvalue()


def _examples() -> Iterable[Example]:
    """Yield a workbook for each rule of the format."""
    two = [{"value": "a.example.com", "kind": "domain"}, {"value": "b.example.com", "kind": "domain"}]
    yield Example(build_workbook({"Sheet1": [["domain"], ["a.example.com"], ["b.example.com"]]}), two)
    yield Example(build_workbook({"Sheet1": [["domain"], ["a.example.com"], [], ["b.example.com"]]}, shared=False), two)
    titled: list[list[ExampleCell]] = [
        ["Scam domains"],
        [None, None],
        [None, "No.", "Domain"],
        [None, 1, "a.example.com"],
    ]
    yield Example(build_workbook({"First": titled, "Second": [["kind", "value"], ["domain", "b.example.com"]]}), two)
    yield Example(
        build_workbook(
            {"Sheet1": [["phone", "last_seen", "first_seen"], [66812345678.0, (46023, DATE), (46023.5, MOMENT)]]}
        ),
        [{"value": "66812345678", "kind": "phone"} | {"last_seen": "2026-01-01", "first_seen": "2026-01-01 12:00:00"}],
    )
    yield Example(
        build_workbook(
            {"Sheet1": [["account_number", "bank"], [(12345678, TEN_DIGITS), "KBANK"], [1234567890123456, "X"]]}
        ),
        [{"account_number": "0012345678", "bank": "KBANK", "kind": "bank-account"}],
        ("digits-lost",),
    )
    yield Example(
        build_workbook(
            {"Sheet1": [["domain"], ["a.example.com"]], "Old": [["domain"], ["x.example.com"]]}, hidden=["Old"]
        ),
        two[:1],
        ("hidden-sheet",),
    )
    yield Example(build_workbook({"Sheet1": [["bank", "address"], ["X", None]]}), [], ("no-value",))
    yield Example(build_workbook({"Sheet1": [["name", "notes"], ["X", "Y"]]}), [], ("no-value-column",))


def _example_relation(name: str, kind: str, target: str) -> str:
    return f'<Relationship Id="{name}" Type="{_RELATIONS}/{kind}" Target="{target}"/>'


def _example_row(number: int, cells: Sequence[ExampleCell], strings: dict[str, int] | None) -> str:
    body = "".join(
        _example_cell(f"{chr(ord('A') + place)}{number}", cell, strings)
        for place, cell in enumerate(cells)
        if cell is not None
    )
    return f'<row r="{number}">{body}</row>'


def _example_cell(place: str, cell: str | float | tuple[float, int], strings: dict[str, int] | None) -> str:
    if isinstance(cell, tuple):
        return f'<c r="{place}" s="{cell[1]}"><v>{cell[0]!r}</v></c>'
    if not isinstance(cell, str):
        return f'<c r="{place}"><v>{cell!r}</v></c>'
    if strings is None:
        return f'<c r="{place}" t="inlineStr"><is><t>{escape(cell)}</t></is></c>'
    return f'<c r="{place}" t="s"><v>{strings.setdefault(cell, len(strings))}</v></c>'
