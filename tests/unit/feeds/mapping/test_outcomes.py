"""The outcome of each row of a file, before anything is sent."""

import io
from pathlib import Path

import pytest
from pydantic import ValidationError

from feeds.mapping.options import FileOptions, Options
from feeds.mapping.outcomes import try_file
from feeds.readers.columns.word_tables import BadCustomNames, named_columns, use_custom_names
from schemas import timestamp

_OPTIONS = Options("First Bank", reported_at=timestamp.parse("2026-11-30T00:00:00Z"))
_TABLE = "account_number,bank,country,scam_type\n123-4-56789-0,KBANK,TH,merchandise\n12,KBANK,TH,\n"


def _read(text: str, most_rows: int = 10, most_values: int = 10, **options: str):
    given = FileOptions.model_validate(options).options("First Bank", _OPTIONS.reported_at)
    return try_file(io.BytesIO(text.encode()), "a.csv", given, most_rows=most_rows, most_values=most_values)


def test_a_row_is_shown_in_its_normal_form_with_its_columns():
    found = _read(_TABLE)
    first, second = found.rows
    assert (first.line, first.result, first.kind) == (2, "ready", "bank-account")
    assert first.value == "TH:KASITHBK:1234567890"
    assert first.columns == {"scam_type": "merchandise", "tlp": "amber"}
    assert first.id.startswith("indicator--")
    assert (second.line, second.result, second.reason) == (3, "refused", "account-form")
    assert found.file.counts.mapped == 1


def test_a_value_twice_is_a_duplicate_with_its_line():
    found = _read("shop.example.com\nSHOP.example.com\n")
    assert [(row.line, row.result) for row in found.rows] == [(1, "ready"), (2, "duplicate")]


def test_reading_stops_after_the_first_values_and_says_so():
    found = _read("".join(f"shop{number}.example.com\n" for number in range(5)), most_values=3)
    assert (found.file.counts.read, found.more) == (3, True)
    assert not _read("a.example.com\nb.example.com\n", most_values=2).more


def test_refused_rows_are_shown_after_any_number_of_others():
    found = _read("".join(f"shop{number}.example.com\n" for number in range(5)) + "not a value\n", most_rows=2)
    assert [row.result for row in found.rows] == ["ready", "ready", "refused"]
    assert found.left_out == 3


def test_an_unreadable_file_is_named_after_its_readable_rows():
    found = _read('[{"value": "shop.example.com"}', most_values=10)
    assert "not a complete JSON document" in found.file.error


def test_records_are_shown_by_their_kind():
    text = "record,of,outcome\noutcome,indicator--11111111-1111-4111-8111-111111111111,blocked\n"
    [row] = _read(text).rows
    assert (row.kind, row.result) == ("outcome", "ready")
    assert row.id.startswith("opinion--")


@pytest.mark.parametrize("given", [{"kind": "planet"}, {"format": "planet"}, {"record": "planet"}, {"tlp": "purple"}])
def test_an_unknown_option_is_refused_by_its_name(given: dict[str, str]):
    with pytest.raises(ValidationError) as refused:
        FileOptions.model_validate(given)
    assert refused.value.errors()[0]["loc"] == tuple(given)


def test_named_columns_read_no_file(tmp_path: Path):
    path = tmp_path / "bank=names.toml"
    path.write_text('[columns]\nbank = ["Payee"]\n')
    assert named_columns(["bank=Payee"]).columns == (("bank", ("Payee",)),)
    for given in (str(path), "Payee", "bank="):
        with pytest.raises(BadCustomNames):
            named_columns([given])


def test_custom_names_apply():
    with use_custom_names(named_columns(["account_number=Payee"])):
        [row] = _read("Payee,bank,country\n123-4-56789-0,KBANK,TH\n").rows
    assert row.kind == "bank-account"
