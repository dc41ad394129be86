"""Lists and columns of values as one country writes them."""

import pytest

from feeds.readers.columns.columns import Columns
from feeds.readers.layout import begins_table
from feeds.readers.national import with_kinds
from feeds.readers.rows import Row

_OF_VALUES = {"value", "kind", "bank", "account_number", "system", "platform"}


@pytest.mark.parametrize(
    ("country", "values", "kinds"),
    [
        ("PH", ["0905 555 1101", "09075551103", "+63 906 555 1102"], ["phone", "phone", ""]),
        ("SG", ["8123 4567", "91234567"], ["phone", "phone"]),
        # One number alone, or one that no telephone has, leaves it open.
        ("PH", ["09075551103"], [""]),
        ("TH", ["0812345678", "1234567890"], ["", ""]),
        ("TH", ["081-2-34567-8", "082-2-34567-8"], ["", ""]),
        # Without separators ten digits may be an account.
        ("US", ["2125550141", "3055550142"], ["", ""]),
        ("US", ["(212) 555-0141", "305-555-0142"], ["phone", "phone"]),
        ("GB", ["20-00-00 12345678", "20-00-00 1234567", "20-00-00 1234"], ["bank-account", "bank-account", ""]),
        ("AU", ["062-948 12345678"], ["bank-account"]),
        ("US", ["021000021 1234567890", "021000022 1234567890"], ["bank-account", ""]),
        ("IN", ["HDFC0000001 12345678901234"], ["bank-account"]),
    ],
)
def test_country_decides_kinds_of_numbers(country: str, values: list[str], kinds: list[str]) -> None:
    rows = with_kinds([Row(line, {"value": value}) for line, value in enumerate(values, 1)], country)
    assert [row.fields.get("kind", "") for row in rows if isinstance(row, Row)] == kinds


@pytest.mark.parametrize(
    ("names", "cells", "expected"),
    [
        (
            ["RDFI RTN", "Rcvr DDA"],
            ["021000021", "1234567890"],
            [{"kind": "bank-account", "bank": "021000021", "account_number": "1234567890"}],
        ),
        (["ODFI RTN", "Originator DDA"], ["021000021", "1234567890"], []),
        (
            ["To BSB", "To Acct (mule)"],
            ["062-000", "12345678"],
            [{"kind": "bank-account", "bank": "062-000", "account_number": "12345678"}],
        ),
        (
            ["Sent to (ABA/Acct)"],
            ["021000021 / 1234567890"],
            [{"kind": "bank-account", "account_number": "021000021 / 1234567890"}],
        ),
        (
            ["What is your mobile number?", "What is the scammer's PayNow number?"],
            ["81234567", "91234567"],
            [{"value": "91234567", "kind": "payment-alias", "system": "paynow"}],
        ),
        (
            ["platform", "url"],
            ["LINE", "@example_oa"],
            [{"platform": "LINE", "value": "@example_oa", "kind": "social-account"}],
        ),
        (
            ["Wallet provider", "Account number"],
            ["GCash", "0917 123 4567"],
            [{"kind": "payment-alias", "system": "gcash", "value": "0917 123 4567"}],
        ),
        (
            ["Payment method", "Account number"],
            ["InstaPay", "0917 123 4567"],
            [{"kind": "bank-account", "account_number": "0917 123 4567"}],
        ),
        (
            ["Channel", "Account number"],
            ["GCash", "0917 123 4567"],
            [{"kind": "payment-alias", "system": "gcash", "value": "0917 123 4567"}],
        ),
        (
            ["platform", "handle"],
            ["Venmo", "@example-user"],
            [{"kind": "payment-alias", "system": "venmo", "value": "@example-user"}],
        ),
        (["platform", "url"], ["LINE", "example.com"], [{"platform": "LINE", "value": "example.com"}]),
        (["Landlord tel (fake)"], ["020 7946 0000"], [{"value": "020 7946 0000", "kind": "phone"}]),
        (["Landlord tel"], ["020 7946 0000"], []),
        (
            ["Bank ka naam", "Khata sankhya"],
            ["SBI", "12345678901"],
            [{"kind": "bank-account", "bank": "SBI", "account_number": "12345678901"}],
        ),
        (
            ["Tipo de chave", "Chave Pix"],
            ["CPF", "111.444.777-35"],
            [{"value": "111.444.777-35", "kind": "payment-alias", "system": "pix"}],
        ),
    ],
)
def test_headers_of_banks_name_the_recipients_account(
    names: list[str], cells: list[str], expected: list[dict[str, str]]
) -> None:
    rows = Columns(names).rows(2, cells)
    assert [
        {key: text for key, text in row.fields.items() if key in _OF_VALUES} for row in rows if isinstance(row, Row)
    ] == expected


def test_table_below_another_begins_with_its_own_value_column() -> None:
    cells = ["Chave Pix", "Qtde", "Vlr total"]
    assert begins_table(cells, ["conta", "qtde", "vlrtotal"])
    assert not begins_table(cells, ["conta", "datadofato", "nome"])
