"""The preview of a file: its rows as they are understood, and as they are contributed later."""

from io import BytesIO

from feeds.mapping.options import Options
from feeds.mapping.preview import DUPLICATE, READY, REFUSED, RowReader, UnderstoodRow, preview, rows_of
from feeds.mapping.rows import Mapped, grouped, map_stream
from feeds.readers.rows import Tally

_OPTIONS = Options("First Bank", defaults={"country": "TH"})


def _read(text: str, name: str = "rows.csv", tally: Tally | None = None) -> list[UnderstoodRow]:
    return list(preview(BytesIO(text.encode()), name, _OPTIONS, tally))


def test_rows_show_value_kind_and_reason() -> None:
    rows = _read(
        "account,bank,date\n123-4-56789-0,KBANK,2026-01-31\n,KBANK,2026-01-31\n1234567890,KBANK,2026-02-01\n"
        "123-4-56789-1,No Such Bank,2026-02-01\n"
    )
    assert [row.state for row in rows] == [READY, REFUSED, DUPLICATE, REFUSED]
    assert (rows[0].line, rows[0].kind, rows[0].fields["reported_at"]) == (
        2,
        "bank-account",
        "2026-01-31T00:00:00.000Z",
    )
    assert rows[0].value.endswith("1234567890")
    assert rows[1].reason == "no-value"
    assert rows[3].message


def test_rows_give_the_outcomes_of_the_file() -> None:
    text = "domain,phone,date\na.example.com,+66812345678,31/01/2026\nb.example.com,,05/02/2026\na.example.com,x,\n"
    rows = _read(text)
    again = [outcome for group in grouped(rows_of(rows), "", _OPTIONS) for outcome in group]
    at_once = list(map_stream(BytesIO(text.encode()), "rows.csv", _OPTIONS))
    assert [type(outcome) for outcome in again if isinstance(outcome, Mapped)] == [Mapped] * 4
    assert [o.report for o in at_once if isinstance(o, Mapped)] == [o.report for o in again if isinstance(o, Mapped)][
        :3
    ]


def test_values_of_a_line_are_numbered_anew_without_one() -> None:
    rows = _read("domain,phone\na.example.com,+66812345678\nb.example.com,+66812345679\n")
    assert [(row.place, row.values) for row in rows_of(rows)] == [(1, 2), (2, 2), (1, 2), (2, 2)]
    assert [(row.place, row.values) for row in rows_of(rows[1:])] == [(1, 1), (1, 2), (2, 2)]


def test_corrected_row_is_understood_again() -> None:
    [row] = _read("account,bank\n123-4-56789-0,No Such Bank\n")
    assert row.state == REFUSED
    fixed = RowReader(_OPTIONS).again(row, {**row.fields, "bank": "KBANK", "reported_at": "31/01/2026"})
    assert (fixed.state, fixed.line, fixed.fields["reported_at"]) == (READY, 2, "2026-01-31T00:00:00.000Z")
    worse = RowReader(_OPTIONS).again(fixed, {**fixed.fields, "reported_at": "yesterday"})
    assert (worse.state, worse.fields["reported_at"]) == (REFUSED, "yesterday")


def test_long_row_is_refused_without_its_cells() -> None:
    [row] = _read(f"domain\n{'x' * 20_000}.example.com\n")
    assert (row.state, row.reason, len(row.raw), row.fields) == (REFUSED, "row-too-long", 500, {})


def test_second_hand_reports_stay_second_hand() -> None:
    row = UnderstoodRow(1, READY, fields={"value": "a.example.com", "kind": "domain"}, second_hand=True)
    [made] = rows_of([row])
    assert getattr(made, "second_hand", False)


def test_tally_names_unknown_columns() -> None:
    tally = Tally()
    _read("domain,Zylophon\na.example.com,7\n", tally=tally)
    assert "Zylophon" in tally.unread()["columns"]
