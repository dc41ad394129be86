"""Forms, tables on their side, several tables below each other, and cells with several values."""

import pytest

from feeds.readers import table
from feeds.readers.rows import Row, Unreadable


def read(rows: list[list[str]]) -> list[dict[str, str] | str]:
    """Return the fields of each row, and the reasons of those that are not read."""
    records = iter([(line, cells) for line, cells in enumerate(rows, 1) if any(cells)])
    return [
        row.reason if isinstance(row, Unreadable) else dict(row.fields)
        for row in table.rows_of_records(records)
        if isinstance(row, Row | Unreadable)
    ]


def values(rows: list[list[str]]) -> list[str]:
    return [found.get("value") or found["account_number"] if isinstance(found, dict) else found for found in read(rows)]


ACCOUNT = {"kind": "bank-account", "bank": "KBANK", "account_number": "123-4-56789-0"}


def test_a_form_is_one_report_without_the_victim() -> None:
    form = [
        ["INCIDENT REPORT", ""],
        ["Date of report:", "2026-10-01"],
        ["Suspect bank", "KBANK"],
        ["Suspect account number", "123-4-56789-0"],
        ["Victim phone", "089-999-8888"],
    ]
    assert read(form) == [{**ACCOUNT, "reported_at": "2026-10-01"}]


def test_a_heading_names_the_labels_below_it() -> None:
    form = [
        ["Victim", ""],
        ["Phone", "089-999-8888"],
        ["Account number", "999-9-99999-9"],
        ["Suspect", ""],
        ["Bank", "KBANK"],
        ["Account number", "123-4-56789-0"],
    ]
    assert read(form) == [ACCOUNT]


def test_a_label_that_returns_begins_the_next_report() -> None:
    form = [["Bank", "KBANK"], ["Account number", "123-4-56789-0"], ["Bank", "SCB"], ["Account number", "123-456789-0"]]
    assert read(form) == [ACCOUNT, {"kind": "bank-account", "bank": "SCB", "account_number": "123-456789-0"}]


def test_a_table_on_its_side_is_turned() -> None:
    lying = [["", "Case 1", "Case 2"], ["Bank", "KBANK", "SCB"], ["Account number", "123-4-56789-0", "123-456789-0"]]
    assert values(lying) == ["123-4-56789-0", "123-456789-0"]


def test_tables_below_each_other_have_their_own_headers() -> None:
    rows = [["Phone", "Note"], ["081-234-5678", "x"], ["", ""], ["Bank", "Account number"], ["KBANK", "123-4-56789-0"]]
    assert read(rows) == [{"value": "081-234-5678", "kind": "phone"}, ACCOUNT]


@pytest.mark.parametrize(
    ("cell", "found"),
    [
        ("081-234-5678\n082-345-6789", ["081-234-5678", "082-345-6789"]),
        ("081-234-5678, 082-345-6789", ["081-234-5678", "082-345-6789"]),
        ("0812345678/0823456789", ["0812345678", "0823456789"]),
        ("081-234-5678 และ 082-345-6789", ["081-234-5678", "082-345-6789"]),
        ("081-234-5678 dan 082-345-6789", ["081-234-5678", "082-345-6789"]),
        ("123456,789012", ["digits-lost"]),
        ("123-456-\n789-012", ["123-456-\n789-012"]),
        ("081-234-5678/9", ["081-234-5678/9"]),
        ("081-234-5678, ext. 12", ["extension"]),
        ("https://a.example.com/x,y", ["https://a.example.com/x,y"]),
    ],
)
def test_only_whole_values_of_a_cell_are_divided(cell: str, found: list[str]) -> None:
    assert values([["No", "Phone"], ["1", cell]]) == found


def test_each_account_of_a_cell_has_the_bank_on_its_line() -> None:
    rows = [["Bank", "Account number"], ["KBANK\nSCB", "123-4-56789-0\n123-456789-0"]]
    assert read(rows) == [ACCOUNT, {"kind": "bank-account", "bank": "SCB", "account_number": "123-456789-0"}]


def test_other_values_of_a_row_are_read_once() -> None:
    rows = [["Phone", "Website"], ["081-234-5678, 082-345-6789", "http://a.example.com"]]
    assert sorted(values(rows)) == ["081-234-5678", "082-345-6789", "http://a.example.com"]


def test_words_in_addresses_are_no_labels_of_a_form() -> None:
    links = [f"https://apps.apple.com/th/app/example/id12345678{number}" for number in range(3)]
    assert values([["Website", "Note"], *([link, "x"] for link in links)]) == links


def test_a_heading_or_the_name_of_a_sheet_names_the_bank_of_its_accounts() -> None:
    records = [
        (1, ["SCB - 03/2026", ""]),
        (2, ["ACCT_NO", "AMT"]),
        (3, ["2345678901", "1"]),
        (4, ["ธนาคารกสิกรไทย", ""]),
        (5, ["1234567890", "2"]),
    ]
    assert [row.fields.get("bank") for row in table.rows_of_records(iter(records)) if isinstance(row, Row)] == [
        "SCB",
        "กสิกรไทย",
    ]
    rows = table.rows_of_records(iter(records[1:3]), title="BDO")
    assert [row.fields.get("bank") for row in rows if isinstance(row, Row)] == ["BDO"]
    with_bank = [(1, ["ACCT_NO", "BANK"]), (2, ["2345678901", ""])]
    rows = table.rows_of_records(iter(with_bank), title="BDO")
    assert [row.fields.get("bank") for row in rows if isinstance(row, Row)] == [None]


def test_an_account_at_a_payment_service_is_an_alias() -> None:
    rows = table.rows_of_records(
        iter([(1, ["Bank", "Account No."]), (2, ["GCash", "09175550911"]), (3, ["BDO", "005830112947"])])
    )
    assert [dict(row.fields) for row in rows if isinstance(row, Row)] == [
        {"kind": "payment-alias", "system": "gcash", "value": "09175550911"},
        {"kind": "bank-account", "bank": "BDO", "account_number": "005830112947"},
    ]


def test_a_cell_with_several_accounts_names_the_bank_of_each() -> None:
    rows = [["Accounts"], ["BCA 2831029384\nMandiri 1640019283745"], ["HDFC Bank A/c 50100338812047 IFSC HDFC0000018"]]
    assert read(rows) == [
        {"kind": "bank-account", "value": "BCA 2831029384"},
        {"kind": "bank-account", "value": "Mandiri 1640019283745"},
        {"kind": "bank-account", "bank": "HDFC0000018", "account_number": "50100338812047"},
    ]


def test_numbered_columns_belong_together() -> None:
    rows = [["Case", "Bank1", "Acct1", "Bank2", "Acct2"], ["K-31", "KBANK", "1234567890", "SCB", "2345678901"]]
    assert [(row["bank"], row["account_number"]) for row in read(rows) if isinstance(row, dict)] == [
        ("KBANK", "1234567890"),
        ("SCB", "2345678901"),
    ]


def test_a_row_whose_verdict_clears_it_is_refused() -> None:
    rows = [["Phone", "Outcome"], ["+66812345678", "Confirmed scam"], ["+66812345679", "Cleared - not involved"]]
    assert read(rows) == [{"kind": "phone", "value": "+66812345678"}, "not-a-scam"]


def test_a_sheet_of_contacts_is_not_read() -> None:
    records = [(1, ["Unit", "Phone"]), (2, ["Fraud desk", "+66812345678"])]
    rows = list(table.rows_of_records(iter(records), title="Contacts"))
    assert [row.reason for row in rows if isinstance(row, Unreadable)] == ["not-a-scammers"]
    assert len(rows) == 1
