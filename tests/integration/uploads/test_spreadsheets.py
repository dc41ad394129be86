"""Spreadsheets as banks keep them: each row is read, or is refused with its sheet, line and reason."""

import io
from typing import Any

import pytest
import xlsxwriter

from server.features.uploads.drafts import State
from tests.integration.uploads.conftest import PATH, UploadHub

NUMBERS = [f"123-4-5678{digit}-0" for digit in range(6)]


def _workbook(fill: Any) -> bytes:
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True})
    fill(book)
    book.close()
    return out.getvalue()


def _merged_titles(book: Any) -> None:
    sheet = book.add_worksheet("บัญชีม้า")
    sheet.merge_range("A1:D1", "รายชื่อบัญชีม้า ประจำเดือนมกราคม 2569", book.add_format())
    sheet.merge_range("A2:D2", "ฝ่ายป้องกันการทุจริต", book.add_format())
    for column, name in enumerate(["ลำดับ", "เลขที่บัญชี", "ธนาคาร", "วันที่"]):
        sheet.write(3, column, name)
    for line, number in enumerate(NUMBERS):
        sheet.write_row(4 + line, 0, [line + 1, number, "กสิกรไทย", "15/01/2569"])


def _merged_banks(book: Any) -> None:
    sheet = book.add_worksheet("mules")
    sheet.write_row(0, 0, ["Bank", "Account no.", "Date"])
    for start, bank in ((1, "KBANK"), (4, "SCB")):
        sheet.merge_range(start, 0, start + 2, 0, bank, book.add_format())
        for line in range(start, start + 3):
            sheet.write_row(line, 1, [NUMBERS[line - 1], "2026-01-15"])


def _sheet_per_bank(book: Any) -> None:
    for place, bank in enumerate(("KBANK", "SCB", "BBL")):
        sheet = book.add_worksheet(bank)
        sheet.write_row(0, 0, ["ACCT_NO", "BANK_CD", "RPT_DT"])
        for line in range(2):
            sheet.write_row(line + 1, 0, [NUMBERS[place * 2 + line], bank, "2026-01-15"])


def _numeric_codes(book: Any) -> None:
    sheet = book.add_worksheet("export")
    sheet.write_row(0, 0, ["account_number", "bank_code", "report_date"])
    for line, number in enumerate(NUMBERS):
        sheet.write_row(line + 1, 0, [number.replace("-", ""), ("004", "014", "002")[line % 3], 20260115])


def _windows_874() -> bytes:
    rows = ["เลขบัญชี,ธนาคาร,วันที่", *(f"{number},กสิกรไทย,15/01/2569" for number in NUMBERS)]
    return "\r\n".join(rows).encode("cp874")


def _one_cell(book: Any) -> None:
    sheet = book.add_worksheet("รายงาน")
    sheet.write_row(0, 0, ["บัญชี", "วันที่"])
    for line, number in enumerate(NUMBERS):
        sheet.write_row(line + 1, 0, [f"{('กสิกรไทย', 'SCB', 'ธ.กรุงเทพ')[line % 3]} {number}", "15/01/2569"])


FILES = {
    "merged-titles.xlsx": _workbook(_merged_titles),
    "merged-banks.xlsx": _workbook(_merged_banks),
    "sheet-per-bank.xlsx": _workbook(_sheet_per_bank),
    "numeric-codes.xlsx": _workbook(_numeric_codes),
    "windows-874.csv": _windows_874(),
    "one-cell.xlsx": _workbook(_one_cell),
}


@pytest.mark.long_but("merged-banks.xlsx", "windows-874.csv")
@pytest.mark.parametrize("name", FILES)
def test_each_row_is_read_or_refused_with_its_place(hub: UploadHub, name: str) -> None:
    person = hub.person()
    upload = person.read(name, FILES[name])
    assert upload.state is State.READY, upload.report
    found = person.rows(upload)
    accounts = {row.value.rpartition(":")[2] for row in found if row.state == "ready"}
    assert accounts == {number.replace("-", "") for number in NUMBERS}, found
    page = person.get(f"{PATH}/{upload.id}").text
    for row in found:
        if row.state == "refused":
            assert row.line
            assert row.message
            assert row.part or name.endswith("csv")
    for row in found[:50]:
        assert row.value.rpartition(":")[2] in page
    assert all(row.fields.get("reported_at", "").startswith("2026-01-1") for row in found), found
    person.post(f"{PATH}/{upload.id}/discard")


def test_sheet_line_and_reason_of_a_refused_row_are_shown(hub: UploadHub) -> None:
    def fill(book: Any) -> None:
        sheet = book.add_worksheet("January")
        sheet.write_row(0, 0, ["account", "bank"])
        sheet.write_row(1, 0, [NUMBERS[0], "KBANK"])
        sheet.write_row(2, 0, ["123", "KBANK"])

    person = hub.person()
    upload = person.read("refused.xlsx", _workbook(fill))
    page = person.get(f"{PATH}/{upload.id}?only=refused").text
    [refused] = [row for row in person.rows(upload) if row.state == "refused"]
    assert (refused.part, refused.line) == ("January", 3)
    assert "January" in page
    assert ">3</td>" in page.replace("<br>", ">") or "3</td>" in page
    assert NUMBERS[0].replace("-", "") not in page
