"""Numbers in cells, as they are displayed."""

import pytest
from hypothesis import given, strategies as st

from feeds.readers.rows import NumberStyle, Row, Unreadable, number_text, refuse_changed_numbers

PLAIN = NumberStyle.of("", 0, False)


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("1234567890", "1234567890"),
        ("1234567890.0", "1234567890"),
        ("6.6812345678E10", "66812345678"),
        ("6.6812345678E+10", "66812345678"),
        ("0.25", "0.25"),
        ("-3", "-3"),
        ("999999999999999", "999999999999999"),
        ("nothing", "nothing"),
    ],
)
def test_a_number_is_written_out(raw: str, text: str) -> None:
    assert number_text(raw, PLAIN) == text


@given(number=st.integers(10**15, 10**30))
def test_number_beyond_the_precision_of_a_sheet_is_rejected(number: int) -> None:
    row = refuse_changed_numbers(Row(1, {"value": number_text(str(float(number)), PLAIN)}))
    assert isinstance(row, Unreadable)
    assert row.reason == "digits-lost"


@given(number=st.integers(0, 10**15 - 1))
def test_number_within_the_precision_of_a_sheet_is_kept(number: int) -> None:
    text = number_text(repr(float(number)), PLAIN)
    assert text == str(number)
    assert refuse_changed_numbers(Row(1, {"value": text})) == Row(1, {"value": text})


@pytest.mark.parametrize("text", ["6.6812E+10", "1,5e+17", "6E+10"])
@pytest.mark.parametrize("column", ["value", "account_number", "iban"])
def test_shortened_number_is_refused_if_all_digits_count(text: str, column: str) -> None:
    row = refuse_changed_numbers(Row(3, {column: text, "kind": "phone"}))
    assert isinstance(row, Unreadable)
    assert (row.line, row.reason) == (3, "digits-lost")
    assert text not in row.message


def test_shortened_number_is_accepted_in_other_columns() -> None:
    row = Row(1, {"value": "a.example.com", "reference": "6.6812E+10"})
    assert refuse_changed_numbers(row) == row


@pytest.mark.parametrize(
    ("code", "date"),
    [
        ("dd/mm/yyyy", True),
        ("[$-409]d mmm;@", True),
        ("[h]:mm", True),
        ("0.00", False),
        ('0 "days"', False),
        ("[Red]0", False),
        ("#,##0_d", False),
    ],
)
def test_the_format_code_decides_whether_a_number_is_a_date(code: str, date: bool) -> None:
    assert NumberStyle.of(code, 0, False).date is date


@pytest.mark.parametrize(("number", "date"), [(14, True), (22, True), (0, False), (49, False), (9, False)])
def test_the_number_of_a_built_in_format_decides_whether_a_number_is_a_date(number: int, date: bool) -> None:
    assert NumberStyle.of("", number, False).date is date


def test_format_code_restores_leading_zeros() -> None:
    assert number_text("812345678", NumberStyle.of("0000000000", 165, False)) == "0812345678"


def test_days_count_from_the_epoch_of_the_workbook() -> None:
    assert number_text("46023", NumberStyle.of("", 14, False)) == "2026-01-01"
    assert number_text("44561", NumberStyle.of("", 14, True)) == "2026-01-01"
    assert number_text("46023.25", NumberStyle.of("", 22, False)) == "2026-01-01 06:00:00"
    assert number_text("99999999", NumberStyle.of("", 14, False)) == "99999999"
