"""Excel workbooks: cells are read as displayed, and small files cannot cause large costs."""

import tracemalloc
import zipfile
from datetime import date, datetime
from io import BytesIO
from typing import Any

import pytest
import xlsxwriter
from hypothesis import given, settings, strategies as st
from python_calamine import CalamineWorkbook

from feeds import formats
from feeds.errors import UnreadableFile
from feeds.formats.excel import build_workbook
from feeds.readers.rows import Row, Unreadable
from feeds.readers.workbook import Workbook
from tests.searches import examples


def read(data: bytes, format: str = "excel") -> list[Row | Unreadable]:
    return list(formats.read(BytesIO(data), format=format))


def fields(data: bytes, format: str = "excel") -> list[dict[str, str]]:
    return [dict(row.fields) for row in read(data, format) if isinstance(row, Row)]


def written(rows: list[list[Any]], **options: Any) -> bytes:
    out = BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True, **options})
    sheet = book.add_worksheet()
    styles: dict[type, Any] = {
        date: book.add_format({"num_format": "dd/mm/yyyy"}),
        datetime: book.add_format({"num_format": 'd mmm yyyy "at" hh:mm'}),
    }
    for number, row in enumerate(rows):
        for place, cell in enumerate(row):
            if type(cell) in styles:
                sheet.write_datetime(number, place, cell, styles[type(cell)])
            elif isinstance(cell, str):
                sheet.write_string(number, place, cell)
            elif cell is not None:
                sheet.write(number, place, cell)
    book.close()
    return out.getvalue()


def changed(data: bytes, part: str, old: bytes, new: bytes) -> bytes:
    out = BytesIO()
    with zipfile.ZipFile(BytesIO(data)) as before, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as after:
        for name in before.namelist():
            content = before.read(name)
            if name == part:
                assert old in content
                content = content.replace(old, new, 1)
            after.writestr(name, content)
    return out.getvalue()


ONE = build_workbook({"Sheet1": [["domain"], ["a.example.com"]]}, shared=False)
SHEET = "xl/worksheets/sheet1.xml"


def test_numbers_dates_and_booleans_are_read_as_displayed() -> None:
    moment = datetime(2026, 1, 2, 8, 30)  # noqa: DTZ001 - sheets know no time zone
    row = [66812345678, date(2026, 1, 1), moment, True, 0.5]
    (found,) = fields(written([["phone", "first_seen", "last_seen", "flag", "share"], row]))
    assert found == {
        "value": "66812345678",
        "kind": "phone",
        "first_seen": "2026-01-01",
        "last_seen": "2026-01-02 08:30:00",
    }


def test_dates_of_workbooks_that_count_from_1904_are_right() -> None:
    data = written([["domain", "first_seen"], ["a.example.com", date(2026, 1, 1)]], date_1904=True)
    assert fields(data)[0]["first_seen"] == "2026-01-01"


def test_formulas_give_their_results_and_errors_give_nothing() -> None:
    out = BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True})
    sheet = book.add_worksheet()
    sheet.write_row(0, 0, ["domain", "description"])
    sheet.write_formula(1, 0, '="a"&".example.com"', value="a.example.com")
    sheet.write_formula(1, 1, "=1/0", value="#DIV/0!")
    book.close()
    assert fields(out.getvalue()) == [{"value": "a.example.com", "kind": "domain"}]


def test_phonetic_guide_is_not_part_of_a_text() -> None:
    spoken = b"<is><t>a.example.com</t><rPh sb='0' eb='1'><t>xx</t></rPh></is>"
    assert fields(changed(ONE, SHEET, b"<is><t>a.example.com</t></is>", spoken))[0]["value"] == "a.example.com"


def test_rich_text_is_one_text() -> None:
    rich = b"<is><r><t>a.example</t></r><r><t>.com</t></r></is>"
    assert fields(changed(ONE, SHEET, b"<is><t>a.example.com</t></is>", rich))[0]["value"] == "a.example.com"


def test_a_sheet_may_be_named() -> None:
    data = build_workbook(
        {"One": [["domain"], ["a.example.com"]], "Two": [["domain"], ["b.example.com"]]}, hidden=["Two"]
    )
    assert [row["value"] for row in fields(data, "excel:Two")] == ["b.example.com"]
    with pytest.raises(UnreadableFile, match="One, Two"):
        read(data, "excel:Three")


def test_row_number_is_that_of_the_sheet() -> None:
    rows: list[list[Any]] = [["Title"], [None], ["no", "domain"], [1, "a.example.com"], [None], [2, "b.example.com"]]
    assert [row.line for row in read(written(rows))] == [4, 6]


def test_distant_cells_cost_nothing() -> None:
    far = b'<row r="1048576"><c r="XFD1048576" t="inlineStr"><is><t>x</t></is></c></row></sheetData>'
    data = changed(ONE, SHEET, b"</sheetData>", far)
    tracemalloc.start()
    rows = read(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [row.line for row in rows] == [2, 1048576]
    assert peak < 20_000_000


@pytest.mark.long
def test_a_row_that_never_ends_is_refused() -> None:
    bomb = b"".join(b"<c><v>%d</v></c>" % (number * 7919) for number in range(700_000)) + b"</sheetData>"
    data = changed(ONE, SHEET, b"</sheetData>", b"<row>" + bomb)
    with pytest.raises(UnreadableFile, match="8 MiB"):
        read(data)


def test_an_archive_that_declares_too_large_a_size_is_refused_unread() -> None:
    data = bytearray(ONE)
    entry = data.rindex(b"PK\x01\x02", 0, data.rindex(SHEET.encode()))
    data[entry + 24 : entry + 28] = (0xF0000000).to_bytes(4, "little")
    with pytest.raises(UnreadableFile, match="2 GiB"):
        read(bytes(data))


def test_workbook_bomb_is_refused_before_it_is_read() -> None:
    rows = b"<row><c><v>1</v></c></row>" * 2_000_000 + b"</sheetData>"
    data = changed(ONE, SHEET, b"</sheetData>", rows)
    assert len(data) < 500_000
    with pytest.raises(UnreadableFile, match="unzips to far more"):
        read(data)


def test_a_part_that_unpacks_beyond_its_declared_size_is_refused() -> None:
    data = bytearray(changed(ONE, SHEET, b"</sheetData>", b" " * 5_000_000 + b"</sheetData>"))
    entry = data.rindex(b"PK\x01\x02", 0, data.rindex(SHEET.encode()))
    data[entry + 24 : entry + 28] = (400).to_bytes(4, "little")
    with pytest.raises(UnreadableFile, match="damaged"):
        read(bytes(data))


@pytest.mark.parametrize("part", [SHEET, "xl/workbook.xml", "xl/styles.xml", "xl/sharedStrings.xml"])
def test_entities_are_refused_in_every_part(part: str) -> None:
    entities = b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><'
    data = changed(ONE, part, b"<", entities)
    with pytest.raises(UnreadableFile, match="entities"):
        read(data)


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("word/document.xml", "Word document"),
        ("xl/workbook.bin", "xlsb"),
        ("content.xml", "OpenDocument"),
        ("readme.txt", "ZIP archive"),
    ],
)
def test_other_archives_are_named(name: str, advice: str) -> None:
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(name, "x")
    with pytest.raises(UnreadableFile, match=advice):
        read(out.getvalue())


@pytest.mark.parametrize(
    ("content", "advice"),
    [(bytes(600), "is damaged"), ("EncryptedPackage".encode("utf-16-le") + bytes(600), "protected by a password")],
    ids=["damaged", "locked"],
)
def test_a_damaged_or_locked_workbook_is_refused_with_advice(content: bytes, advice: str) -> None:
    with pytest.raises(UnreadableFile, match=advice):
        list(formats.read(BytesIO(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + content)))


CELLS = st.one_of(
    st.none(),
    st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=20),
    st.integers(-(10**14), 10**14),
    st.booleans(),
)


@settings(max_examples=examples(60), deadline=None)
@given(rows=st.lists(st.lists(CELLS, min_size=1, max_size=5), min_size=1, max_size=6))
def test_cells_match_another_reader(rows: list[list[Any]]) -> None:
    data = written([["first"], *rows])
    book = Workbook(BytesIO(data))
    ours = dict(book.rows(book.sheets[0]))
    book.close()
    theirs = CalamineWorkbook.from_filelike(BytesIO(data)).get_sheet_by_index(0).to_python(skip_empty_area=False)
    for number, row in enumerate(theirs, 1):
        wanted = [_as_text(cell) for cell in row]
        while wanted and not wanted[-1]:
            wanted.pop()
        assert ours.get(number, []) == wanted


def _as_text(cell: object) -> str:
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        return str(int(cell))
    return str(cell).strip()


@settings(max_examples=examples(200), deadline=None)
@given(
    place=st.integers(0, 10_000),
    junk=st.binary(max_size=30),
    part=st.sampled_from([SHEET, "xl/styles.xml", "xl/workbook.xml"]),
)
def test_any_damage_gives_rows_or_reasons_or_an_unreadable_file(place: int, junk: bytes, part: str) -> None:
    out = BytesIO()
    with zipfile.ZipFile(BytesIO(ONE)) as before, zipfile.ZipFile(out, "w") as after:
        for name in before.namelist():
            content = before.read(name)
            if name == part:
                at = place % len(content)
                content = content[:at] + junk + content[at + len(junk) :]
            after.writestr(name, content)
    try:
        rows = read(out.getvalue())
    except UnreadableFile:
        return
    assert all(row.line >= 1 for row in rows)


def test_merged_cells_count_for_each_of_their_rows() -> None:
    out = BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True})
    sheet = book.add_worksheet()
    for number, row in enumerate([["bank", "account no"], ["KBANK", "1"], ["", "2"], ["", "3"], ["SCB", "4"]]):
        sheet.write_row(number, 0, row)
    sheet.merge_range(1, 0, 2, 0, "KBANK")
    book.close()
    banks = [row.get("bank") for row in fields(out.getvalue())]
    assert banks == ["KBANK", "KBANK", None, "SCB"]
