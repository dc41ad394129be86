"""Unread parts of a file are listed with place, reason and proposal."""

import json
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from feeds.formats.excel import build_workbook
from feeds.formats.pdf import build_pdf
from tests.integration.command import Run

PROTECTED = "the file in the archive is protected by a password: send it unpacked, or without the password"
ACCOUNTS = "เลขบัญชี,คอลัมน์สี่,ธนาคารผู้เสียหาย,หมายเหตุ\n123-4-56789-0,กสิกรไทย,กรุงเทพ,x\n223-4-56789-0,SCB,กรุงไทย,\n"
MAIL = (
    "From: a@example.org\nTo: b@example.org\nSubject: list\nDate: Mon, 2 Nov 2026 10:00:00 +0700\nMIME-Version: 1.0\n"
    'Content-Type: multipart/mixed; boundary="B"\n\n--B\n'
    'Content-Type: text/html; name="note.html"\nContent-Disposition: attachment; filename="note.html"\n\n'
    '<html><body><p>Good morning.</p></body></html>\n--B\nContent-Type: text/csv; name="list.csv"\n'
    'Content-Disposition: attachment; filename="list.csv"\n\ndomain\na.example.com\n--B--\n'
)


def archive(files: dict[str, bytes], *, protected: str = "") -> bytes:
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        for name, data in files.items():
            packed.writestr(name, data)
    data = bytearray(out.getvalue())
    if protected:
        # The flag of an encrypted file, in the entry of the directory at the end.
        directory = data.rindex(b"PK\x01\x02", 0, data.rindex(protected.encode()))
        data[directory + 8] |= 1
    return bytes(data)


class Case(NamedTuple):
    """A file, the options of the command, and entries of its report: each must be there, with these fields."""

    name: str
    data: str | bytes
    told: list[dict[str, Any]]
    options: tuple[str, ...] = ()
    exit_code: int = 0
    error: str = ""


COLUMN = {"what": "column", "reason": "unknown-column"}
CASES = {
    "a column of banks is proposed, one about victims never": Case(
        "a.csv",
        ACCOUNTS,
        [
            {**COLUMN, "name": "คอลัมน์สี่", "rows": 2, "likely": "bank", "proposal": "--columns bank=คอลัมน์สี่"},
            {"what": "column", "reason": "personal-column", "name": "ธนาคารผู้เสียหาย", "likely": None},
            {**COLUMN, "name": "หมายเหตุ", "rows": 1, "proposal": None},
            {"what": "rows", "reason": "bank-missing", "lines": [2, 3], "proposal": "--columns bank=คอลัมน์สี่"},
        ],
        ("--country", "TH"),
    ),
    "value columns are named although another one gave reports": Case(
        "a.csv",
        "domain,place seen,payee no,when\n"
        "a.example.com,https://b.example.com/x,1234567890,2026-01-01\nc.example.com,https://d.example.com,2234567890,\n",
        [
            {**COLUMN, "name": "place seen", "likely": "url", "proposal": "--columns 'url=place seen'"},
            {**COLUMN, "name": "payee no", "likely": "account_number"},
        ],
    ),
    "names above a table without a known header": Case(
        "a.csv",
        "no.,somewhere,someone's number\n1,https://a.example.com/x,0812345678\n2,https://b.example.com/x,0812345679\n",
        [{**COLUMN, "name": "someone's number", "likely": "phone"}],
    ),
    "identity numbers and cards are never proposed": Case(
        # Published examples of a Thai identity number and of a card's number.
        "a.csv",
        "domain,number,paid\na.example.com,1234545678781,4111111111111111\nb.example.com,1234545678781,4111111111111111\n",
        [{**COLUMN, "name": "number", "likely": None}, {**COLUMN, "name": "paid", "likely": None}],
    ),
    "cells of value columns that gave nothing": Case(
        "a.csv",
        "domain,phone\na.example.com,+66812345678\nb.example.com,N/A\nc.example.com,\n",
        [{"what": "cells", "reason": "empty", "name": "phone", "rows": 2}],
    ),
    "a country is needed": Case(
        "a.csv",
        "phone\n0812345678\n0812345679\n",
        [{"what": "rows", "reason": "country-missing", "rows": 2, "lines": [2, 3], "proposal": "--country CC"}],
    ),
    "a kind is needed": Case("a.csv", "value\nwhat is this\n", [{"what": "rows", "proposal": "--kind KIND"}]),
    "the encoding is guessed": Case(
        "a.csv",
        "เบอร์โทร\n+66812345678\n".encode("cp874"),
        [{"what": "text", "reason": "encoding-guessed", "name": "cp874"}],
    ),
    "sheets are named": Case(
        "a.xlsx",
        build_workbook(
            {
                "May": [["domain", "seen by"], ["a.example.com", "x"]],
                "June": [["name", "notes"], ["X", "Y"]],
                "July": [["domain"]],
                "Old": [["domain"], ["b.example.com"]],
            },
            hidden=["Old"],
        ),
        [
            {**COLUMN, "part": "May", "name": "seen by"},
            {"what": "rows", "reason": "no-value-column", "part": "June", "lines": [2]},
            {"what": "rows", "reason": "no-rows", "part": "July"},
            {"what": "rows", "reason": "hidden-sheet", "part": "Old", "proposal": "--format excel:Old"},
        ],
    ),
    "an attachment without values is named": Case(
        "a.eml", MAIL, [{"what": "rows", "reason": "unreadable-file", "part": "note.html"}]
    ),
    "a protected file in an archive": Case(
        "a.zip",
        archive({"a.csv": b"domain\na.example.com\n", "b.csv": b"domain\nb.example.com\n"}, protected="b.csv"),
        [{"what": "rows", "reason": "unreadable-file", "part": "b.csv", "message": PROTECTED}],
    ),
    "a line of a page": Case(
        "a.pdf",
        build_pdf(["The fake shop is hxxps://a[.]example[.]com", "and we saw xxxxshop[.]example too."]),
        [{"what": "rows", "reason": "redacted", "part": "page 1"}],
    ),
    "a page without values": Case(
        "a.html", "<html><body><h1>News</h1><p>Have a nice day.</p></body></html>", [], exit_code=2,
        error="nothing in this document looks like a scammer's value",
    ),
    "a text without values": Case(
        "a.txt", "# Minutes\n\nWe met, and everybody agreed to meet again.\n", [], ("--format", "prose"), exit_code=2,
        error="nothing in this document looks like a scammer's value",
    ),
    "a protected document": Case(
        "a.pdf", b"%PDF-1.4\n1 0 obj\n<</Encrypt 9 0 R>>\nendobj\n", [], exit_code=2, error="protected by a password"
    ),
    "a list without entries": Case("a.csv", "domain\n", []),
}  # fmt: skip


@pytest.mark.parametrize("jobs", ["1", "2"])
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_what_was_not_read_is_told(run: Run, tmp_path: Path, case: Case, jobs: str) -> None:
    data = case.data if isinstance(case.data, bytes) else case.data.encode()
    (tmp_path / case.name).write_bytes(data)
    result = run("map", case.name, *case.options, "--json", "--jobs", jobs)
    assert result.exit_code == case.exit_code, result.output
    (file,) = json.loads(result.stdout)["files"]
    for wanted in case.told:
        assert wanted in [{name: each.get(name) for name in wanted} for each in file["not_read"]]
    assert case.error in result.stderr
    assert case.error in file.get("error", "")
    assert case.told or result.stderr
    if not case.told and not case.error:
        assert "a.csv: nothing to read" in result.stderr


def test_a_proposal_followed_reads_the_column(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(ACCOUNTS, encoding="utf-8")
    told = run("map", "a.csv", "--country", "TH", "--columns", "bank=คอลัมน์สี่", "--json")
    assert json.loads(told.stdout)["mapped"] == 2
    shown = run("map", "a.csv", "--country", "TH", "--output", "o.jsonl")
    assert "--columns bank=คอลัมน์สี่" in shown.stdout
    wrong = run("map", "a.csv", "--columns", "colour=x")
    assert wrong.exit_code == 2
    assert "--columns colour=x: columns.colour: there are" in wrong.stderr


def test_examples_are_bounded_and_counts_are_whole(run: Run, tmp_path: Path) -> None:
    lines = "".join(f"{number}\n" for number in range(1000, 6000))
    (tmp_path / "a.csv").write_text(f"phone\n{lines}", encoding="utf-8")
    (file,) = json.loads(run("map", "a.csv", "--json").stdout)["files"]
    assert sum(each["rows"] for each in file["not_read"]) == 5000
    assert all(len(each["lines"]) <= 3 for each in file["not_read"])


def test_each_file_has_its_own_report(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("domain,remarks\na.example.com,x\n", encoding="utf-8")
    (tmp_path / "b.csv").write_text("domain\nb.example.com\n", encoding="utf-8")
    first, second = json.loads(run("map", "a.csv", "b.csv", "--json").stdout)["files"]
    assert [each["name"] for each in first["not_read"]] == ["remarks"]
    assert second["not_read"] == []
