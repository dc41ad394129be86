"""The cases of this folder as files: which values a file gives, and which it must never give."""

import csv
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import docx
import xlsxwriter
from xlsxwriter.utility import xl_cell_to_rowcol

FOLDER = Path(__file__).parent


class Case(NamedTuple):
    """A file, the values read from it, the options, the values of other people, and the values that may be read."""

    text: str = ""
    values: tuple[str, ...] = ()
    options: tuple[str, ...] = ("--country", "TH")
    name: str = "reports.csv"
    never: tuple[str, ...] = ()
    may: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    sheets: tuple[dict[str, Any], ...] = ()

    def write(self, folder: Path) -> Path:
        """Write the file into ``folder``."""
        folder.mkdir(exist_ok=True)
        path = folder / self.name
        if path.suffix == ".xlsx":
            _write_workbook(path, self.sheets)
        elif path.suffix == ".docx":
            _write_word(path, self.sheets)
        else:
            path.write_text(self.text, encoding="utf-8")
        return path


def read_cases() -> dict[str, Case]:
    """Read the cases of each TOML file, and those of languages.toml once for each language."""
    return {name: case for path in sorted(FOLDER.glob("*.toml")) for name, case in _read(path)}


def _read(path: Path) -> Iterator[tuple[str, Case]]:
    declared = tomllib.loads(path.read_text(encoding="utf-8"))["case"]
    if path.stem != "languages":
        yield from ((f"{path.stem}: {case['name']}", _case(case)) for case in declared)
        return
    with (FOLDER / "languages.csv").open(encoding="utf-8", newline="") as file:
        for words in csv.DictReader(file):
            common = {"country": words["country"], "take": [words["key"]], "never": [words["victim_number"]]}
            for case in declared:
                yield f"{words['language']}: {case['name']}", _case(_filled(case, words) | common)


def _filled(declared: Any, words: dict[str, str]) -> Any:
    if isinstance(declared, str):
        return declared.format_map(words)
    if isinstance(declared, dict):
        return {key: _filled(value, words) for key, value in declared.items()}
    return [_filled(value, words) for value in declared] if isinstance(declared, list) else declared


def _case(declared: dict[str, Any]) -> Case:
    country = declared.get("country", "TH")
    return Case(
        declared.get("text", ""),
        tuple(declared.get("take", ())),
        ("--country", country) if country else (),
        declared.get("file", "reports.csv"),
        tuple(declared.get("never", ())),
        tuple(declared.get("may", ())),
        tuple(declared.get("reasons", ())),
        tuple(declared.get("sheets", ())),
    )


def _write_workbook(path: Path, sheets: tuple[dict[str, Any], ...]) -> None:
    with xlsxwriter.Workbook(path) as book:
        struck = book.add_format({"font_strikeout": True})
        for declared in sheets:
            sheet = book.add_worksheet(declared["name"])
            for row, cells in enumerate(declared["rows"]):
                for column, cell in enumerate(cells):
                    _write_cell(sheet, row, column, cell)
            for place in declared.get("strike", ()):
                row, column = xl_cell_to_rowcol(place)
                sheet.write(row, column, declared["rows"][row][column], struck)
            for merged in declared.get("merged", ()):
                row, column = xl_cell_to_rowcol(merged.partition(":")[0])
                sheet.merge_range(merged, declared["rows"][row][column])
            for place, comment in declared.get("comments", {}).items():
                sheet.write_comment(place, comment)
            for letter, form in declared.get("formats", {}).items():
                column = xl_cell_to_rowcol(f"{letter}1")[1]
                for row, cells in enumerate(declared["rows"][1:], 1):
                    sheet.write(row, column, cells[column], book.add_format({"num_format": form}))
            for row in declared.get("hidden_rows", ()):
                sheet.set_row(row - 1, None, None, {"hidden": True})
            for letter in declared.get("hidden_columns", ()):
                sheet.set_column(f"{letter}:{letter}", None, None, {"hidden": True})
            if declared.get("hidden"):
                sheet.hide()


def _write_cell(sheet: Any, row: int, column: int, cell: Any) -> None:
    if isinstance(cell, dict):
        sheet.write_formula(row, column, cell["formula"], None, cell["result"])
    elif isinstance(cell, str):
        sheet.write_string(row, column, cell) if cell else None
    else:
        sheet.write_number(row, column, cell)


def _write_word(path: Path, sheets: tuple[dict[str, Any], ...]) -> None:
    document = docx.Document()
    for declared in sheets:
        if heading := declared.get("heading"):
            document.add_heading(heading)
        rows = declared["rows"]
        table = document.add_table(len(rows), len(rows[0]))
        for row, cells in enumerate(rows):
            for column, text in enumerate(cells):
                table.cell(row, column).text = text
        for place in declared.get("strike", ()):
            table.cell(*xl_cell_to_rowcol(place)).paragraphs[0].runs[0].font.strike = True
        for merged in declared.get("merged", ()):
            first, _, last = merged.partition(":")
            text = table.cell(*xl_cell_to_rowcol(first)).text
            table.cell(*xl_cell_to_rowcol(first)).merge(table.cell(*xl_cell_to_rowcol(last))).text = text
    document.save(str(path))
